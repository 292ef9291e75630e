"""Where every published row is, of every subject: published = kept + quarantined. The figures are dbt's."""

from quality.files import figure
from quality.suite import Suite

SUITES: tuple[Suite, ...] = (
    Suite(
        "reconciliation",
        "reconciliation",
        "core_checks.reconciliation",
        "files",
        (
            figure(
                "rows_as_loaded",
                "in_raw_data - published",
                low=0,
                high=0,
                why="Rows in raw data, less those that the ledger says were loaded.",
            ),
            figure(
                "rows_lost",
                "lost",
                low=0,
                high=0,
                why="Published rows that are neither kept nor quarantined. Less than 0 where there are too many.",
            ),
            figure(
                "rows_not_built",
                "not_built",
                low=0,
                high=0,
                why="Rows loaded since the last `dbt build`.",
                severity="warn",
            ),
        ),
        detail="published || ' published, ' || kept || ' kept, ' || quarantined || ' quarantined'",
    ),
)
