"""The gap grid: where a cell is, and how it looks."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from ingestion.catalog import FEEDS
from ingestion.gap_plan import Planned
from ingestion.partitions import Partition
from ingestion.publication import Gap, State
from portal.general.gap_grid import Look, cells_to_draw, counts, grid_figure, legend, look_of
from warehouse.periods import Grain, Period, period_range


def _plan(grain: Grain, first: str, last: str) -> list[Planned]:
    feed = replace(FEEDS["yellow"], grain=grain)
    periods: Iterable[Period] = period_range(Period.parse(grain, first), Period.parse(grain, last))
    return [Planned(Partition(feed, period), State.LOADED) for period in periods]


@pytest.mark.parametrize(
    ("grain", "first", "last", "lines", "columns"),
    [
        # Each year, month or day-of-hours block has a line for its title.
        (Grain.MONTH, "2009-01", "2025-12", 17 * 2, 12),
        (Grain.DAY, "2024-01-01", "2025-06-30", 12 + 6 + 2, 31),
        (Grain.HOUR, "2025-01-01T00", "2025-02-28T23", 31 + 28 + 2, 24),
    ],
)
def test_each_period_has_a_cell_of_its_own(grain: Grain, first: str, last: str, lines: int, columns: int) -> None:
    plan = _plan(grain, first, last)
    figure, height = grid_figure(plan, {})
    cells, points = figure.data
    drawn = sum(value is not None for line in cells.z for value in line)

    assert (len(cells.z), len(cells.z[0])) == (lines, columns)
    assert drawn == len(plan) == len(set(zip(points.x, points.y, strict=True)))
    assert all(cells.z[y][x] is not None for x, y in zip(points.x, points.y, strict=True))
    assert height > lines * 20


def test_of_thousands_of_hours_the_newest_days_are_drawn_and_every_gap() -> None:
    plan = _plan(Grain.HOUR, "2025-01-01T00", "2025-03-31T23")
    plan[5] = replace(plan[5], state=State.MISSING)
    drawn = cells_to_draw(plan)

    assert [str(one.partition.key) for one in drawn if one.partition.period < plan[-31 * 24].partition.period] == [
        "2025-01-01T05"
    ]
    assert len(drawn) == 31 * 24 + 1
    days = _plan(Grain.DAY, "2015-01-01", "2025-03-31")
    assert cells_to_draw(days) == days


def test_the_newest_block_is_on_top() -> None:
    figure, _ = grid_figure(_plan(Grain.MONTH, "2023-01", "2025-12"), {})

    assert [text for text in figure.layout.yaxis.ticktext if text.startswith("<b>")] == [
        "<b>2025</b>",
        "<b>2024</b>",
        "<b>2023</b>",
    ]


def test_what_is_wrong_is_seen_before_what_is_accepted() -> None:
    (planned,) = _plan(Grain.MONTH, "2025-01", "2025-01")

    assert look_of(planned) is Look.LOADED
    assert look_of(replace(planned, state=State.NOT_PUBLISHED)) is Look.NOT_PUBLISHED
    assert look_of(replace(planned, state=State.REFUSED)) is Look.REFUSED
    assert look_of(replace(planned, state=State.REPLACED)) is Look.REPLACED
    assert look_of(replace(planned, state=State.REPLACED, thin=("few",))) is Look.REPLACED
    assert look_of(replace(planned, state=State.REPLACED, thin=("few",), accepted={Gap.REPLACED: "x"})) is Look.THIN
    assert look_of(replace(planned, thin=("few",), accepted={Gap.THIN: "snow"})) is Look.ACCEPTED


def test_no_word_of_others_is_in_the_drawing_or_its_legend() -> None:
    (planned,) = _plan(Grain.MONTH, "2025-01", "2025-01")
    hostile = replace(
        planned, note="<img onerror=x>", thin=("<img onerror=x>",), accepted={Gap.THIN: "<img onerror=x>"}
    )
    figure, _ = grid_figure([hostile], {"yellow:2025-01": 5})

    assert "img" not in figure.to_json()
    assert legend(counts([hostile])).count("accepted 1") == 1
