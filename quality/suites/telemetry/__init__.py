"""The quality of the subject `telemetry`: its suites in the order in which data flows, and its quarantines."""

from quality.subject import Quarantine
from quality.suite import Suite
from quality.suites.telemetry import events, gold, profiles

SUITES: tuple[Suite, ...] = (*events.SUITES, *profiles.SUITES, *gold.SUITES)

QUARANTINES: tuple[Quarantine, ...] = (events.QUARANTINE, profiles.QUARANTINE)
