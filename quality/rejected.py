"""The suite on what was rejected of each file, for tables of rejected rows of any subject."""

from quality.files import BETWEEN, FEW_ROWS, bounds, figure
from quality.subject import Quarantine
from quality.suite import Expectation, Suite
from warehouse.sql import literal


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
    model = quarantine.table.rpartition(".")[2]
    expectations = (rejected, share, *([_explained_rows(explained)] if explained and warns_of_explained else []))
    detail = "'mostly ' || mode(reason)"
    return Suite(model, model, quarantine.table, "files", expectations, feeds, detail, grain=quarantine.grain)


def _explained_rows(reasons: str) -> Expectation:
    return figure(
        "explained_rows",
        f"count(*) filter (reason in ({reasons}))",
        high=0,
        why="Rows of the file that were not taken, for a reason that is explained: `nyc quarantine` says it.",
        severity="warn",
    )
