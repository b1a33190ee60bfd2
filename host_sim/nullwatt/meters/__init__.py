"""Grid meters read by the host emulator. Watts per phase, + = import."""

from nullwatt.meters.lines import LineMeter, MeterLineError, parse_line
from nullwatt.meters.meter import Meter, Sample, SampleSink

__all__ = ["LineMeter", "Meter", "MeterLineError", "Sample", "SampleSink", "parse_line"]
