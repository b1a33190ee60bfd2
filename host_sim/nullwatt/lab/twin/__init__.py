"""Scenarios of a Modbus site: what happens to it, an energy management system to stand in, and what must hold.

    from nullwatt.lab.twin import load_site_scenario, run_site, shipped_site_scenarios
    result = run_site(load_site_scenario(shipped_site_scenarios()["fcr_prequalification"]))
    result.failed, [each.outcome for each in result.judged]

Needs the extra `modbus`: writes and reads are Modbus requests, carried out by the code that serves a site.
"""

from .controller import DroopController
from .droop import Droop
from .expectations import Bounds, DroopBand, Judged, Record, Response, Settling
from .file import load_site_scenario, parse_site_scenario, shipped_site_scenarios, site_scenario_schema
from .frequency_response import FrequencyResponse
from .player import SitePlayer, SiteResult, run_site
from .script import SiteScenario
from .subject import SITE_QUANTITIES, Subject

__all__ = [
    "SITE_QUANTITIES",
    "Bounds",
    "Droop",
    "DroopBand",
    "DroopController",
    "FrequencyResponse",
    "Judged",
    "Record",
    "Response",
    "Settling",
    "SitePlayer",
    "SiteResult",
    "SiteScenario",
    "Subject",
    "load_site_scenario",
    "parse_site_scenario",
    "run_site",
    "shipped_site_scenarios",
    "site_scenario_schema",
]
