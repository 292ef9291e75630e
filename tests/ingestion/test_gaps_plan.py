"""Where a partition stands, and when a loaded month seems not to be all of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingestion.catalog import FEEDS
from ingestion.feeds import Feed
from ingestion.gap_plan import Known, Planned, plan_gaps
from ingestion.partitions import Partition
from ingestion.publication import Gap, State, is_due, is_same_file, is_worth_asking
from ingestion.thin import Coverage, DayCount, thin_reasons
from sandbox.mobility.months import month_range, next_month
from tests.partitions import partition_of
from warehouse.accepted_gaps import AcceptedGap
from warehouse.ledger import Fingerprint, Watermark
from warehouse.periods import month as month_of

YELLOW, WEATHER = FEEDS["yellow"], FEEDS["weather"]
MAY, JUNE = date(2025, 5, 1), date(2025, 6, 1)
TODAY = date(2025, 12, 24)
FILE = Fingerprint("https://publisher/may", '"a"', "Mon, 01 Sep 2025 12:00:00 GMT", 1000)
EVERY_DAY = set(range(7))


def _days(month: date) -> list[date]:
    return list(month_of(month.year, month.month).days())


def _covering(days: list[date], *, rows_a_day: int = 100, load_id: str = "1") -> Coverage:
    return Coverage(load_id, rows_a_day * len(days), {day: DayCount(rows_a_day, 24, 24) for day in days})


def _hourly(month: date, *, filled: Mapping[int, int]) -> Coverage:
    """A row an hour; `filled` says of some days of the month how many of their hours have values."""
    days = {day: DayCount(24, 24, filled.get(day.day, 24)) for day in _days(month)}
    return Coverage("1", 24 * len(days), days)


def _known(*partitions: Partition, file: Fingerprint = FILE) -> Known:
    """These partitions are loaded whole."""
    coverage = {partition: _covering(_days(partition.period.first_day)) for partition in partitions}
    watermarks = {
        (partition.feed.name, partition.key): Watermark(covered.load_id, covered.rows, None, None, file)
        for partition, covered in coverage.items()
    }
    return Known(watermarks, coverage)


def _planned(partition: Partition, known: Known, today: date = TODAY) -> Planned:
    (planned,) = plan_gaps([partition], known, today)
    return planned


def test_what_was_never_loaded_is_missing_if_the_publisher_has_it() -> None:
    partition = partition_of(YELLOW, MAY)
    assert _planned(partition, Known(answers={partition: FILE})) == Planned(partition, State.MISSING)
    planned = _planned(partition, Known(answers={partition: None}))
    assert planned == Planned(partition, State.OVERDUE, "due by now, but not at the publisher")
    assert planned.open_gaps == (Gap.OVERDUE,)
    # Nothing could be loaded.
    assert not planned.is_to_fill


@pytest.mark.parametrize(
    ("today", "state"), [(date(2025, 7, 30), State.NOT_PUBLISHED), (date(2025, 7, 31), State.MISSING)]
)
def test_who_was_not_asked_is_judged_by_publication_lag(today: date, state: State) -> None:
    assert _planned(partition_of(YELLOW, MAY), Known(), today) == Planned(partition_of(YELLOW, MAY), state)


def test_a_month_published_before_its_lag_is_over_is_missing() -> None:
    partition = partition_of(YELLOW, MAY)
    assert _planned(partition, Known(answers={partition: FILE}), date(2025, 6, 20)).state is State.MISSING
    assert _planned(partition, Known(answers={partition: None}), date(2025, 6, 20)).note == ""


def test_nobody_is_asked_for_a_month_that_has_not_ended() -> None:
    partition = partition_of(YELLOW, MAY)
    assert not is_worth_asking(partition, None, date(2025, 5, 31))
    assert is_worth_asking(partition, None, date(2025, 6, 1))
    assert is_worth_asking(partition, _known(partition).loaded(partition), date(2025, 5, 31))


def test_nobody_is_asked_for_a_file_that_only_its_content_tells_apart() -> None:
    partition = partition_of(WEATHER, MAY)
    loaded = _known(partition, file=Fingerprint("x", content_hash="1")).loaded(partition)
    assert loaded
    assert not is_worth_asking(partition, loaded, TODAY)


def test_months_before_a_feeds_first_are_not_planned() -> None:
    before = Partition(YELLOW, month_of(2008, 12))
    assert plan_gaps([before], Known(), TODAY) == []
    assert not is_worth_asking(before, None, TODAY)


@pytest.mark.parametrize(
    ("published", "state"),
    [
        (FILE, State.LOADED),
        (replace(FILE, url="https://mirror/may", last_modified="Tue, 02 Sep 2025 12:00:00 GMT"), State.LOADED),
        (replace(FILE, etag='W/"a"'), State.LOADED),
        (replace(FILE, etag='"b"'), State.REPLACED),
        (replace(FILE, etag=None), State.LOADED),
        (replace(FILE, etag=None, last_modified="Tue, 02 Sep 2025 12:00:00 GMT"), State.REPLACED),
        (replace(FILE, etag=None, last_modified=None, content_length=1001), State.REPLACED),
        (Fingerprint(FILE.url), State.LOADED),
    ],
)
def test_a_replaced_file_is_told_by_its_marks(published: Fingerprint, state: State) -> None:
    partition = partition_of(YELLOW, MAY)
    known = replace(_known(partition), answers={partition: published})
    assert _planned(partition, known) == Planned(partition, state)
    assert is_same_file(FILE, published) is (state is State.LOADED)


def test_a_loaded_month_stays_loaded_when_its_publisher_has_it_no_longer() -> None:
    partition = partition_of(YELLOW, MAY)
    planned = _planned(partition, replace(_known(partition), answers={partition: None}))
    assert planned == Planned(partition, State.LOADED, "no longer at the publisher")


@pytest.mark.parametrize(
    ("coverage", "note"),
    [
        (_covering(_days(MAY)[:20]), "the raw table holds 2,000 rows, the ledger says 3,100"),
        (_covering(_days(MAY), load_id="2"), "the raw table holds another load than the ledger says"),
        (None, "the raw table holds 0 rows, the ledger says 3,100"),
    ],
)
def test_a_ledger_that_the_raw_table_does_not_bear_out_is_not_believed(coverage: Coverage | None, note: str) -> None:
    partition = partition_of(YELLOW, MAY)
    known = replace(_known(partition), coverage={partition: coverage} if coverage else {})
    assert _planned(partition, known) == Planned(partition, State.MISSING, note)


def test_only_what_is_missing_refused_replaced_overdue_or_thin_is_a_gap() -> None:
    partition = partition_of(YELLOW, MAY)
    gaps = {state: Planned(partition, state).open_gaps for state in State}
    assert gaps == {
        State.LOADED: (),
        State.MISSING: (Gap.MISSING,),
        State.REFUSED: (Gap.REFUSED,),
        State.REPLACED: (Gap.REPLACED,),
        State.OVERDUE: (Gap.OVERDUE,),
        State.NOT_PUBLISHED: (),
    }
    thin = Planned(partition, State.REPLACED, thin=("few rows",))
    assert thin.open_gaps == (Gap.REPLACED, Gap.THIN)
    assert replace(thin, accepted={Gap.THIN: "snow"}).open_gaps == (Gap.REPLACED,)


def _accepted(state: Gap, file: Fingerprint = FILE, load_id: str | None = "1") -> Known:
    gap = AcceptedGap("yellow", "2025-05", state, "snow", "me", datetime(2025, 12, 24), load_id, file)
    return Known(accepted={("yellow", "2025-05"): [gap]})


@pytest.mark.parametrize(
    ("load_id", "file", "is_accepted"),
    [
        ("1", FILE, True),
        # The same file loaded again.
        ("2", FILE, True),
        ("2", replace(FILE, url="https://mirror/may"), True),
        ("2", replace(FILE, etag='"b"'), False),
        ("2", replace(FILE, etag=None, last_modified="Tue, 02 Sep 2025 12:00:00 GMT"), False),
        # Nothing says that it is the same.
        ("2", Fingerprint(FILE.url), False),
        ("2", Fingerprint(FILE.url, content_hash="x"), False),
    ],
)
def test_a_thin_month_is_accepted_until_another_file_is_loaded(
    load_id: str, file: Fingerprint, is_accepted: bool
) -> None:
    partition = partition_of(YELLOW, MAY)
    covered = _covering(_days(MAY)[:20], load_id=load_id)
    watermarks = {("yellow", "2025-05"): Watermark(load_id, covered.rows, None, None, file)}
    known = Known(watermarks, {partition: covered}, accepted=_accepted(Gap.THIN).accepted)
    assert _planned(partition, known).open_gaps == (() if is_accepted else (Gap.THIN,))


def test_a_file_that_is_told_by_its_content_is_accepted_until_its_content_changes() -> None:
    partition = partition_of(WEATHER, MAY)
    for hash_, is_accepted in (("a", True), ("b", False)):
        covered = replace(_hourly(MAY, filled={7: 20}), load_id="2")
        watermarks = {("weather", "2025-05"): Watermark("2", 744, None, None, Fingerprint("", content_hash=hash_))}
        gap = AcceptedGap(
            "weather", "2025-05", "thin", "snow", "me", datetime(2025, 6, 9), "1", Fingerprint("", content_hash="a")
        )
        known = Known(watermarks, {partition: covered}, accepted={("weather", "2025-05"): [gap]})
        assert _planned(partition, known).open_gaps == (() if is_accepted else (Gap.THIN,))


NO_FILE = Fingerprint("")


@pytest.mark.parametrize(
    ("accepted", "answers", "open_gaps"),
    [
        (_accepted(Gap.MISSING), [FILE], ()),
        (_accepted(Gap.MISSING), [replace(FILE, etag='"b"')], (Gap.MISSING,)),
        # Offline.
        (_accepted(Gap.MISSING), [], ()),
        (_accepted(Gap.OVERDUE, NO_FILE, None), [], ()),
        (_accepted(Gap.OVERDUE, NO_FILE, None), [None], ()),
        # It was published after all.
        (_accepted(Gap.OVERDUE, NO_FILE, None), [FILE], (Gap.MISSING,)),
        # Accepted offline.
        (_accepted(Gap.MISSING, NO_FILE, None), [None], ()),
        (_accepted(Gap.MISSING, NO_FILE, None), [FILE], (Gap.MISSING,)),
        (_accepted(Gap.THIN), [FILE], (Gap.MISSING,)),
        (_accepted(Gap.REPLACED), [FILE], (Gap.MISSING,)),
    ],
)
def test_a_month_that_is_not_loaded_is_accepted_until_there_is_a_file_of_it(
    accepted: Known, answers: list[Fingerprint | None], open_gaps: tuple[Gap, ...]
) -> None:
    partition = partition_of(YELLOW, MAY)
    known = replace(accepted, answers=dict(zip([partition], answers, strict=False)))
    assert _planned(partition, known).open_gaps == open_gaps


def test_a_replaced_file_is_accepted_until_it_is_replaced_again() -> None:
    partition = partition_of(YELLOW, MAY)
    accepted = _accepted(Gap.REPLACED, replace(FILE, etag='"b"')).accepted
    for etag, open_gaps in (('"b"', ()), ('"c"', (Gap.REPLACED,))):
        known = replace(_known(partition), answers={partition: replace(FILE, etag=etag)}, accepted=accepted)
        assert _planned(partition, known).open_gaps == open_gaps


@pytest.mark.parametrize(
    ("first", "last", "reasons"),
    [
        (1, 31, ()),
        (3, 31, ("no rows before 2025-05-03",)),
        (1, 20, ("no rows after 2025-05-20",)),
        (2, 30, ("no rows before 2025-05-02 or after 2025-05-30",)),
    ],
)
def test_rows_that_do_not_reach_the_ends_of_the_month_are_thin(first: int, last: int, reasons: tuple[str, ...]) -> None:
    covered = _covering(_days(MAY)[first - 1 : last])
    assert thin_reasons(partition_of(YELLOW, MAY), covered, EVERY_DAY, {"2025-05": covered.rows}) == reasons


def test_a_month_whose_rows_are_all_of_other_months_is_thin() -> None:
    assert thin_reasons(partition_of(YELLOW, MAY), Coverage("1", 500, {}), EVERY_DAY, {"2025-05": 500}) == (
        "no rows within the month",
    )


def test_a_feed_with_few_rows_a_day_may_have_days_without() -> None:
    covered = _covering(_days(MAY)[2:], rows_a_day=4)
    assert thin_reasons(partition_of(YELLOW, MAY), covered, EVERY_DAY, {"2025-05": covered.rows}) == ()


def test_a_feed_that_rests_on_weekends_misses_none() -> None:
    market = replace(YELLOW, name="minute_bars")
    # March 2025 begins with a Saturday, August ends with a Sunday.
    partitions = [partition_of(market, date(2025, month, 1)) for month in (3, 8)]
    coverage = {p: _covering([day for day in _days(p.period.first_day) if day.weekday() < 5]) for p in partitions}
    watermarks = {(market.name, p.key): Watermark("1", coverage[p].rows, None, None, FILE) for p in partitions}
    assert [planned.thin for planned in plan_gaps(partitions, Known(watermarks, coverage), TODAY)] == [(), ()]


@pytest.mark.parametrize(
    ("filled", "reasons"),
    [({}, ()), ({7: 23}, ("1 of 744 hours missing",)), ({30: 0, 31: 0}, ("48 of 744 hours missing",))],
)
def test_an_hourly_series_misses_every_hour_without_values(filled: dict[int, int], reasons: tuple[str, ...]) -> None:
    assert thin_reasons(partition_of(YELLOW, MAY), _hourly(MAY, filled=filled), EVERY_DAY, {"2025-05": 744}) == reasons


MARCH, APRIL, JULY = (date(2025, month, 1) for month in (3, 4, 7))


@pytest.mark.parametrize(
    ("rows_a_day", "neighbours", "is_thin"),
    [
        (480, {MARCH: 1000, APRIL: 1000, JUNE: 1000, JULY: 1000}, True),
        (500, {MARCH: 1000, APRIL: 1000, JUNE: 1000, JULY: 1000}, False),
        # Half of them, but for chance.
        (499, {MARCH: 1000, APRIL: 1000, JUNE: 1000, JULY: 1000}, False),
        # As low as what follows: trips fall.
        (480, {MARCH: 1000, APRIL: 1000, JUNE: 500, JULY: 900}, False),
        (480, {MARCH: 500, APRIL: 700, JUNE: 1000, JULY: 1000}, False),
        (480, {MARCH: 1000, APRIL: 1000}, False),
        (310, {MARCH: 1000, APRIL: 1000}, True),
        (310, {JULY: 1000}, True),
        (250, {date(2025, 2, 1): 1000, date(2025, 8, 1): 1000}, False),
        (250, {}, False),
    ],
)
def test_far_fewer_rows_a_day_than_both_sides_are_thin(
    rows_a_day: int, neighbours: dict[date, int], is_thin: bool
) -> None:
    rows = {f"{month:%Y-%m}": count * len(_days(month)) for month, count in {MAY: rows_a_day, **neighbours}.items()}
    reasons = thin_reasons(partition_of(YELLOW, MAY), _covering(_days(MAY)), EVERY_DAY, rows)
    said = f"{rows_a_day * 31:,} rows, {rows_a_day / 10:.0f}% of its neighbours' 31,000"
    assert reasons == ((said,) if is_thin else ())


@given(st.integers(min_value=1, max_value=10_000_000))
def test_half_of_the_neighbours_rows_is_not_thin(half: int) -> None:
    january, rows = date(2025, 1, 1), {"2024-12": 2 * half, "2025-01": half, "2025-03": 2 * half}
    assert thin_reasons(partition_of(YELLOW, january), _covering(_days(january)), EVERY_DAY, rows) == ()


def test_a_feeds_first_month_begins_when_the_feed_did() -> None:
    jersey_city, first = FEEDS["citibike_jc"], date(2015, 9, 1)
    rows = {"2015-09": 6_000, "2015-10": 19_264, "2015-11": 14_000}
    whole = _covering(_days(first)[20:], rows_a_day=600)
    assert thin_reasons(partition_of(jersey_city, first), whole, EVERY_DAY, rows) == ()
    # Nor is the next one measured by what a third of a month has.
    october = date(2015, 10, 1)
    assert thin_reasons(partition_of(jersey_city, october), _covering(_days(october)), EVERY_DAY, rows) == ()
    late = _covering(_days(first)[24:], rows_a_day=600)
    reasons = thin_reasons(partition_of(jersey_city, first), late, EVERY_DAY, rows | {"2015-09": 1_600})
    assert reasons == ("no rows before 2015-09-25", "1,600 rows, 29% of its neighbours' 5,440")


# Thousands of Citi Bike trips in New York, January to December of a usual year.
CITIBIKE_SEASON = (1900, 2100, 2700, 3200, 4200, 4800, 4700, 4600, 5000, 5100, 3700, 2300)


@given(st.sets(st.sampled_from(list(month_range(date(2023, 1, 1), date(2025, 12, 1)))), min_size=1))
def test_no_season_makes_a_month_thin_whichever_months_are_loaded(loaded: set[date]) -> None:
    rows = {f"{month:%Y-%m}": CITIBIKE_SEASON[month.month - 1] for month in loaded}
    for month in loaded:
        assert thin_reasons(partition_of(YELLOW, month), _covering(_days(month)), EVERY_DAY, rows) == ()


@st.composite
def _situations(draw: st.DrawFn) -> tuple[list[Partition], Known, date]:
    """Any feed's months, some loaded, some asked for or refused, with files that may be the loaded ones."""
    feeds: list[Feed] = draw(st.lists(st.sampled_from(list(FEEDS.values())), min_size=1, max_size=3, unique=True))
    of_months = [partition_of(feed, month) for feed in feeds for month in month_range(date(2025, 1, 1), TODAY)]
    # Of irregular periods and of holidays nobody knows which should be there.
    partitions = [partition for partition in of_months if partition.is_regular]
    assume(partitions)
    known = _known(*draw(st.sets(st.sampled_from(partitions))))
    files = st.sampled_from([FILE, replace(FILE, etag='"b"'), None])
    answers = draw(st.dictionaries(st.sampled_from(partitions), files))
    refused = {(one.feed.name, one.key): "no" for one in draw(st.sets(st.sampled_from(partitions)))}
    return (
        partitions,
        replace(known, answers=answers, refusals=refused),
        draw(st.dates(date(2025, 1, 1), date(2026, 6, 30))),
    )


@given(_situations())
def test_every_partition_has_one_state_that_follows_from_what_is_known(
    situation: tuple[list[Partition], Known, date],
) -> None:
    partitions, known, today = situation
    plan = plan_gaps(partitions, known, today)
    assert [planned.partition for planned in plan] == partitions
    for planned in plan:
        partition, is_asked = planned.partition, planned.partition in known.answers
        file = known.answers.get(partition)
        if known.loaded(partition):
            is_other = file is not None and file.etag != FILE.etag
            assert planned.state is (State.REPLACED if is_other else State.LOADED)
        else:
            is_published = file is not None if is_asked else is_due(partition, today)
            not_there = State.OVERDUE if is_asked and is_due(partition, today) else State.NOT_PUBLISHED
            not_loaded = State.REFUSED if known.refusal(partition) else State.MISSING
            assert planned.state is (not_loaded if is_published else not_there)
            assert planned.thin == ()


@given(_situations())
def test_a_plan_that_was_filled_has_no_gap_left(situation: tuple[list[Partition], Known, date]) -> None:
    partitions, known, today = situation
    plan = plan_gaps(partitions, known, today)
    loaded = [planned.partition for planned in plan if planned.is_to_fill or planned.state is State.LOADED]
    filled = replace(_known(*loaded), answers={p: FILE if file else None for p, file in known.answers.items()})
    assert not any(planned.is_to_fill for planned in plan_gaps(partitions, filled, today))


def test_neighbours_reach_over_the_turn_of_the_year() -> None:
    december = date(2024, 12, 1)
    rows = {"2024-12": 10, f"{next_month(december):%Y-%m}": 100}
    assert thin_reasons(partition_of(YELLOW, december), _covering(_days(december)), EVERY_DAY, rows) != ()
