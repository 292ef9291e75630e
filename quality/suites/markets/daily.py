"""What the file suites of this subject have in common: their files are of days."""

from functools import partial

from quality.comparisons import difference_to_before, ratio_to_before
from quality.files import figure
from quality.suite import Expectation, Suite
from warehouse.periods import Grain

ratio_to_day_before = partial(ratio_to_before, Grain.DAY)
difference_to_day_before = partial(difference_to_before, Grain.DAY)

SCHEMA = "core_markets"


def daily(
    model: str,
    expectations: tuple[Expectation, ...],
    feeds: tuple[str, ...],
    *,
    table: str | None = None,
    detail: str = "''",
) -> Suite:
    """A suite on the days' files in a model. Without a table it is one on a staging model."""
    return Suite(model, model, table or f"core_staging.{model}", "files", expectations, feeds, detail, grain=Grain.DAY)


def mart(model: str, *expectations: Expectation) -> Suite:
    """A suite on the rows of a mart."""
    return Suite(model, model, f"{SCHEMA}.{model}", "rows", expectations)


def mart_by_day(model: str, feed: str, *expectations: Expectation) -> Suite:
    """A suite on the days of a mart that has many rows."""
    return daily(model, expectations, (feed,), table=f"{SCHEMA}.{model}")


# The rows of a file are of one load: what was loaded before is gone.
ONE_LOAD = figure(
    "one_load",
    "case when min(load_id) = max(load_id) then 1 else 2 end",
    low=1,
    high=1,
    why="The rows of a day are of one load: 1 where they are.",
)
