"""What the file suites of this subject have in common: their files are of days."""

from functools import partial

from quality.comparisons import difference_to_before, ratio_to_before
from quality.files import BETWEEN, FEW_ROWS, bounds, figure
from quality.subject import Quarantine
from quality.suite import Expectation, Suite
from warehouse.periods import Grain
from warehouse.sql import literal

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


def quarantine_suite(quarantine: Quarantine, feeds: tuple[str, ...], *, warns_of_explained: bool = True) -> Suite:
    """A suite on what was rejected of each file, as a share of the rows that were loaded.

    It reads the rejected rows alone, so it costs the same however many were kept. Rows rejected for a reason that is
    explained do not count; a file with such rows is only warned of, and not even that where they are to be expected.
    """
    reasons = dict.fromkeys(explanation.reason for explanation in quarantine.explanations)
    explained = ", ".join(map(literal, reasons))
    counted = f"count(*) filter (reason not in ({explained}))" if explained else "count(*)"
    rejected = figure("rejected_rows", counted, low=0, why="Rows of the file that were not taken.")
    share = Expectation(
        "quarantined_share",
        BETWEEN,
        bounds("quarantined_share", None, quarantine.tolerance),
        "The share of the file's rows that were not taken. `python -m quality.quarantine` shows them.",
        figure=f"case when rejected_rows <= {FEW_ROWS} then 0.0 else rejected_rows / loaded_rows end",
        # It needs the rows of the file as the ledger has them.
        is_comparison=True,
    )
    return daily(
        quarantine.table.rpartition(".")[2],
        (rejected, share, *([_explained_rows(explained)] if explained and warns_of_explained else [])),
        feeds,
        table=quarantine.table,
        detail="'mostly ' || mode(reason)",
    )


def _explained_rows(reasons: str) -> Expectation:
    return figure(
        "explained_rows",
        f"count(*) filter (reason in ({reasons}))",
        high=0,
        why="Rows of the file that were not taken, for a reason that is explained: `nyc quarantine` says it.",
        severity="warn",
    )


# The rows of a file are of one load: what was loaded before is gone.
ONE_LOAD = figure(
    "one_load",
    "case when min(load_id) = max(load_id) then 1 else 2 end",
    low=1,
    high=1,
    why="The rows of a day are of one load: 1 where they are.",
)
