"""What the suites of this subject have in common: files of lines, of which some cannot be read."""

from quality.files import BETWEEN, SOURCE_ROWS_ARE_A_KEY, bounds, figure, share
from quality.suite import Expectation, Suite
from warehouse.periods import Grain

SCHEMA = "core_telemetry"

# Lines that break these rules one by one are quarantined. Files in which many do are not what they should be.
MOSTLY = 0.95

LINES_CAN_BE_READ = share(
    "lines_can_be_read", "problem is null", mostly=MOSTLY, why="Lines are JSON objects; the last is complete."
)

_LINES = figure("lines", "count(*)", low=0, why="Lines of the period's files.")
_ALL_LINES = Expectation(
    "all_lines_are_there",
    BETWEEN,
    bounds("all_lines_are_there", 1, 1),
    "The share of the loaded lines that the table holds.",
    figure="lines / loaded_rows",
    # It needs the rows of the file as the ledger has them.
    is_comparison=True,
)


def staged(model: str, grain: Grain, feeds: tuple[str, ...], *expectations: Expectation) -> Suite:
    """A suite on the lines of a staging model, by period."""
    first = (SOURCE_ROWS_ARE_A_KEY, LINES_CAN_BE_READ)
    return Suite(model, model, f"core_staging.{model}", "files", (*first, *expectations), feeds, grain=grain)


def bronze(model: str, grain: Grain, feeds: tuple[str, ...]) -> Suite:
    """A suite on the lines as they were published, by period."""
    expectations = (SOURCE_ROWS_ARE_A_KEY, _LINES, _ALL_LINES)
    return Suite(model, model, f"{SCHEMA}.{model}", "files", expectations, feeds, grain=grain)


def silver(model: str, grain: Grain, feeds: tuple[str, ...], *expectations: Expectation) -> Suite:
    """A suite on what is kept of the lines, by period."""
    return Suite(model, model, f"{SCHEMA}.{model}", "files", expectations, feeds, grain=grain)
