"""The simulation in the foreground: house file or quick house, batteries, HTTP."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nullwatt.cli.errors import fail
from nullwatt.cli.house_server import Show, log_to, serve
from nullwatt.cli.mqtt import with_broker
from nullwatt.cli.mqtt_options import Told
from nullwatt.cli.sim_terminal import LastLine, obstacle, page_obstacle
from nullwatt.core import Emulator
from nullwatt.home import ConfigError, CtSection, HouseFile, check_document, load_house_file, parse_house
from nullwatt.lab import specs_of

_LOG = logging.getLogger("nullwatt.sim")


@dataclass(frozen=True)
class Quick:
    """A house without a file. None = the default."""

    batteries: int | None
    phases: int | None
    base_load: str | None
    soc: float | None

    @property
    def given(self) -> list[str]:
        """Options that were given, as they are written."""
        values = {"--batteries": self.batteries, "--phases": self.phases}
        values |= {"--base-load": self.base_load, "--soc": self.soc}  # type: ignore[dict-item]
        return [option for option, value in values.items() if value is not None]

    def document(self) -> dict[str, Any]:
        """The house file it stands for."""
        phases = self.phases or 1
        letters = "ABC"[:phases]
        second = "B" if phases == 3 else "A"
        loads = [
            ("LED lights", 30, "A"),
            ("TV + entertainment", 80, second),
            ("Router + NAS", 40, "A"),
            ("Microwave", 800, "A"),
            ("Washing machine", 400, second),
        ]
        soc = _given({"initial_soc": self.soc})
        batteries = [
            {"mac": f"02B25{index + 1:07X}", "phase": letters[index % phases], **soc}
            for index in range(self.batteries or 1)
        ]
        return {
            "powermeter": {
                "phases": phases,
                **_given({"base_load": self.base_w(phases)}),
                "loads": [{"name": name, "power": power, "phase": phase} for name, power, phase in loads],
                "solar_phases": list(letters),
            },
            "batteries": batteries,
        }

    def base_w(self, phases: int) -> list[float] | None:
        """Base load per phase, W; None = a house's usual one."""
        if self.base_load is None:
            return None
        try:
            watts = [float(part) for part in self.base_load.split(",")]
        except ValueError:
            fail(f"--base-load {self.base_load}: must be watts per phase, such as 100,50,80")
        if len(watts) > phases:
            fail(f"--base-load {self.base_load}: {len(watts)} values for {phases} phase{'s' if phases > 1 else ''}")
        return watts


@dataclass(frozen=True)
class Changes:
    """Options that overrule the file. None = as there."""

    ct_host: str | None
    ct_port: int | None
    http_port: int | None
    time_scale: float | None
    power_update_delay: int | None

    def applied(self, file: HouseFile) -> HouseFile:
        """The file with these options."""
        ct = {"host": self.ct_host, "port": self.ct_port}
        if self.ct_host is not None:  # the port may be 0 here, which no file may say
            check_document(CtSection, {"host": self.ct_host}, "--ct-host", "host")
        http = {"port": self.http_port}
        top = {"time_scale": self.time_scale, "power_update_delay_ticks": self.power_update_delay}
        batteries = list(file.batteries)
        if self.power_update_delay is not None:
            delay = {"power_update_delay_ticks": self.power_update_delay}
            batteries = [battery.model_copy(update=delay) for battery in batteries]
        return file.model_copy(
            update={
                **_given(top),
                "ct": file.ct.model_copy(update=_given(ct)),
                "http": file.http.model_copy(update=_given(http)),
                "batteries": batteries,
            }
        )


@dataclass(frozen=True)
class How:
    """How it is run.

    emulator: with one in this process. web: with the page; None = if it can be. history: a file. mqtt: a broker.
    """

    emulator: bool = False
    no_tui: bool = False
    web: bool | None = None
    verbose: bool = False
    history: Path | None = None
    mqtt: Told = field(default_factory=Told)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def run(config: Path | None, quick: Quick, changes: Changes, how: How) -> int:
    """Run until stopped. Exit code."""
    hindrance = None if how.no_tui else obstacle()
    last_line = None if how.no_tui or hindrance else LastLine()
    usual = logging.INFO if last_line is None else logging.WARNING
    log_to(last_line, logging.DEBUG if how.verbose else usual)
    if hindrance:
        _LOG.info("printing lines: %s", hindrance)
    try:
        if config is None:
            file = parse_house(quick.document())
        else:
            file = load_house_file(config)
            if quick.given:
                _LOG.warning("%s: without effect, %s decides", ", ".join(quick.given), config)
        own, file = file, changes.applied(file)
        specs = specs_of(file, str(config or "house"))
    except ConfigError as error:
        fail(str(error))
    file = with_broker(file, str(config or "house"), how.mqtt, None if how.emulator else "add --emulator")
    no_page = page_obstacle() if how.web is not False else None
    if no_page and how.web:
        fail(no_page, 1)
    page, folder = how.web is not False and not no_page, None if config is None else config.parent
    show = Show(last_line, page, lines=True, history=how.history, note=no_page, own=own, folder=folder)
    return serve(file, specs, Emulator() if how.emulator else None, show, str(config or "house"))
