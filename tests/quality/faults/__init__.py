"""Ways to break a built warehouse, by subject, suite, and the expectation that is there to catch it."""

from tests.quality.faults import markets, mobility, telemetry

FAULTS: dict[str, dict[str, dict[str, str]]] = {
    "mobility": mobility.FAULTS,
    "markets": markets.FAULTS,
    "telemetry": telemetry.FAULTS,
}

# The period whose file is broken alone, where a fault names it.
BROKEN_PERIOD = {"mobility": "2025-02", "markets": "2026-01-21", "telemetry": "2026-03-06T23"}
