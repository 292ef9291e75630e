"""The quality of the subject `toys`: its suite and its quarantine."""

from quality.comparisons import ratio_to_before
from quality.files import between, figure, not_null
from quality.subject import Quarantine
from quality.suite import Suite
from warehouse.periods import Grain

SUITES: tuple[Suite, ...] = (
    Suite(
        "fct_toy_sales",
        "fct_toy_sales",
        "core_toys.fct_toy_sales",
        "files",
        (
            not_null("toy"),
            between("price", 0, 500, why="USD."),
            figure("mean_price", "avg(price)", low=1, high=100, why="Mean price, USD."),
            ratio_to_before(Grain.DAY, "mean_price", 0.5, 2, "Mean price, as a multiple of the day before."),
        ),
        ("toy_sales",),
        grain=Grain.DAY,
    ),
)

QUARANTINES: tuple[Quarantine, ...] = (
    Quarantine("core_toys.quarantined_toy_sales", Grain.DAY, {"sold": "sold_at", "toy": "toy"}, tolerance=0.25),
)
