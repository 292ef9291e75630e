"""The command lines and the planner with feeds of days and hours beside those of months."""

import json
import os
import threading
import time
from collections.abc import Iterator
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ingestion import gaps, run_pipeline
from ingestion.feeds import Feed
from ingestion.gap_plan import Known, plan_gaps
from ingestion.gap_report import print_gaps
from ingestion.gap_survey import Survey, asked_partitions, survey
from ingestion.partitions import Partition
from ingestion.pipeline import Status, ingest
from ingestion.publication import State, is_due
from ingestion.thin import Coverage, DayCount, thin_reasons
from tests.toy_feeds import at, publish, register, toy_feed
from warehouse.ledger import Fingerprint, Watermark
from warehouse.periods import Grain, Period, day, month

BARS = toy_feed("toy_bars", Grain.DAY)
EVENTS = toy_feed("toy_events", Grain.HOUR, publication_lag_days=0)
FILE = Fingerprint("https://publisher/bars", '"a"')


@pytest.fixture(autouse=True)
def _catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    register(BARS, EVENTS, monkeypatch=monkeypatch)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a publisher, served; there is nothing in it yet."""
    folder = tmp_path / "published"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("SOURCES__TLC__BASE_URL", f"http://127.0.0.1:{server.server_address[1]}")
        yield folder
        server.shutdown()


def _asked(*arguments: str) -> list[str]:
    return [str(partition) for partition in run_pipeline.parse_arguments(arguments)[1]]


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    status = gaps.main(arguments)
    return status, [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_a_range_of_days_has_the_days_that_the_calendar_expects() -> None:
    # The 17th is a Thursday, Good Friday and the weekend follow.
    asked = _asked("--from", "2025-04-17", "--to", "2025-04-22", "--sources", "toy_bars")
    assert asked == ["toy_bars 2025-04-17", "toy_bars 2025-04-21", "toy_bars 2025-04-22"]


def test_a_month_has_all_its_days_and_hours() -> None:
    for arguments in (("--year", "2025", "--months", "5"), ("--from", "2025-05", "--to", "2025-05")):
        asked = _asked(*arguments, "--sources", "toy_bars")
        assert (asked[0], asked[-1], len(asked)) == ("toy_bars 2025-05-01", "toy_bars 2025-05-30", 22)
    assert len(_asked("--from", "2025-05", "--to", "2025-05", "--sources", "toy_events")) == 22 * 24


def test_feeds_of_months_have_the_months_that_days_are_in() -> None:
    asked = _asked("--from", "2025-04-30", "--to", "2025-05-01", "--sources", "green,toy_bars")
    assert asked == ["green 2025-04", "toy_bars 2025-04-30", "green 2025-05", "toy_bars 2025-05-01"]
    hours = _asked("--from", "2025-05-01T22", "--to", "2025-05-02T01", "--sources", "green,toy_bars,toy_events")
    assert hours == [
        "green 2025-05", "toy_bars 2025-05-01",
        "toy_events 2025-05-01T22", "toy_events 2025-05-01T23", "toy_bars 2025-05-02",
        "toy_events 2025-05-02T00", "toy_events 2025-05-02T01",
    ]  # fmt: skip


def test_a_range_may_begin_with_a_day_and_end_with_a_month() -> None:
    assert _asked("--from", "2025-05-29", "--to", "2025-05", "--sources", "toy_bars") == [
        "toy_bars 2025-05-29",
        "toy_bars 2025-05-30",
    ]


def test_what_has_not_begun_yet_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_pipeline, "utc_now", lambda: at("2025-05-06T01:30"))
    assert _asked("--from", "2025-05", "--to", "2025-05", "--sources", "toy_bars") == [
        f"toy_bars 2025-05-{number:02}" for number in (1, 2, 5, 6)
    ]
    assert _asked("--from", "2025-05-06", "--to", "2025-05-06", "--sources", "toy_events") == [
        "toy_events 2025-05-06T00",
        "toy_events 2025-05-06T01",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--from 2025-05-06T02 --to 2025-05-06T02", "2025-05-06T02 has not begun yet"),
        ("--from 2025-05-05 --to 2025-05-07", "2025-05-07 has not begun yet"),
        ("--from 2025-05-05 --to 2025-06", "2025-06 has not begun yet"),
        ("--from 2025-05-05 --to 2025-04", "--from 2025-05-05 is after --to 2025-04"),
        ("--from 2025-05-05T10 --to 2025-05-05T09", "--from 2025-05-05T10 is after --to 2025-05-05T09"),
        ("--from 2025-05-32 --to 2025-06", "expected a day as YYYY-MM-DD"),
        ("--from 2025-05-03 --to 2025-05-04", "2025-05-03 to 2025-05-04: toy_bars has no file then, by its calendar"),
    ],
)
def test_bad_ranges_are_refused(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_pipeline, "utc_now", lambda: at("2025-05-06T01:30"))
    with pytest.raises(SystemExit) as exit_:
        run_pipeline.main([*arguments.split(), "--sources", "toy_bars"])
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("database")
def test_days_are_loaded_planned_filled_and_accepted(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [day(2025, 4, number) for number in (16, 17, 21, 22, 24)]
    for one in days:
        publish(published, BARS, one, rows=20_000)
    asked = ("--sources", "toy_bars", "--from", "2025-04-16", "--to", "2025-04-24")
    assert run_pipeline.main(["--from", "2025-04-16", "--to", "2025-04-21", "--sources", "toy_bars"]) == 0
    assert capsys.readouterr().out.split()[:3] == ["feed", "day", "status"]

    # One run over Good Friday and the weekend. The 23rd is not there.
    status, lines = _run(capsys, *asked)
    assert (status, lines[:4]) == (
        3,
        [
            "feed state days which",
            "toy_bars loaded 3 2025-04-16 … 2025-04-21",
            "toy_bars missing 2 2025-04-22, 2025-04-24",
            "toy_bars overdue 1 2025-04-23: due by now, but not at the publisher",
        ],
    )
    assert lines[-1].startswith("Overdue days cannot be loaded until they are published.")
    assert lines[-1].endswith("--accept toy_bars:2025-04-23 --reason 'say why'")

    publish(published, BARS, days[0], rows=21_000)
    # The server tells whole seconds, and the file was written again within one.
    os.utime(published / "toy_bars" / "2025-04-16T00.parquet", times=(time.time() + 60, time.time() + 60))
    status, lines = _run(capsys, *asked, "--fill", "--json")
    assert status == 3
    assert [(one["period"], one["status"], one["rows"]) for one in json.loads("".join(lines))] == [
        ("2025-04-16", "loaded", 21_000),
        ("2025-04-22", "loaded", 20_000),
        ("2025-04-24", "loaded", 20_000),
    ]

    assert _run(capsys, "--accept", "toy_bars:2025-04-23", "--reason", "no session")[0] == 0
    status, lines = _run(capsys, *asked, "--json")
    plan = json.loads("".join(lines))
    assert status == 0
    assert plan[-2] == {
        "feed": "toy_bars",
        "period": "2025-04-23",
        "state": "overdue",
        "gaps": ["overdue"],
        "accepted": {"overdue": "no session"},
        "note": "due by now, but not at the publisher",
        "thin": [],
    }
    assert {one["state"] for one in plan if one != plan[-2]} == {"loaded"}
    assert _run(capsys, "--list-accepted")[1][0] == "feed day state accepted by at (UTC) reason"
    accepted = json.loads("".join(_run(capsys, "--list-accepted", "--json")[1]))
    assert [(one["feed"], one["period"], one["reason"]) for one in accepted] == [
        ("toy_bars", "2025-04-23", "no session")
    ]


@pytest.mark.parametrize(
    ("partition", "message"),
    [
        ("toy_bars:2025-04", "expected a day as YYYY-MM-DD"),
        ("toy_bars:2025-04-18", "expected a day on which toy_bars publishes a file, got '2025-04-18'"),
        ("toy_bars:2014-12-31", "expected a day of toy_bars from 2015-01-01"),
    ],
)
def test_only_what_the_calendar_expects_is_accepted(
    partition: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        gaps.main(["--accept", partition, "--reason", "x"])
    assert message in capsys.readouterr().err


def test_a_day_is_due_once_it_has_ended_and_the_lag_is_over_and_an_hour_once_it_has_ended() -> None:
    may = Partition(BARS, day(2025, 5, 6))
    assert not is_due(may, at("2025-05-06T23:59"))
    assert is_due(may, at("2025-05-07T00:00"))
    hour = Partition(EVENTS, EVENTS.period("2025-05-06T01"))
    assert not is_due(hour, at("2025-05-06T01:59"))
    assert is_due(hour, at("2025-05-06T02:00"))


def test_a_plan_without_a_database_goes_by_the_calendar_until_now(database: Path) -> None:
    plan = survey("toy_events", Period.of_any_grain("2025-05-05T22"), None, now=at("2025-05-06T01:30"), is_offline=True)
    assert [(str(one.partition.period), one.state) for one in plan.plan] == [
        ("2025-05-05T22", State.MISSING),
        ("2025-05-05T23", State.MISSING),
        ("2025-05-06T00", State.MISSING),
        ("2025-05-06T01", State.NOT_PUBLISHED),
    ]


def test_without_a_first_period_each_subject_begins_with_its_own() -> None:
    loaded = [("green", "2024-01"), ("toy_bars", "2025-05-02"), ("toy_events", "2025-05-05T22")]
    now = at("2025-05-05T23:30")
    found = [str(one) for one in asked_partitions(None, None, None, loaded, now)]
    assert {"green 2024-01", "yellow 2024-01", "toy_bars 2025-05-02", "toy_events 2025-05-02T00"} <= set(found)
    assert [name for name in found if name.startswith("toy_bars")] == ["toy_bars 2025-05-02", "toy_bars 2025-05-05"]
    # A subject of which nothing is loaded has no gaps.
    only_months = asked_partitions("green", None, None, loaded[:1], now)
    assert {one.feed.name for one in only_months} == {"green"}


def test_a_report_of_mixed_grains_calls_them_periods(capsys: pytest.CaptureFixture[str], database: Path) -> None:
    first, last = month(2025, 4), month(2025, 4)
    print_gaps(survey("green,toy_bars", first, last, now=date(2025, 9, 1), is_offline=True))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[:3] == [
        "feed state periods which",
        "green missing 1 2025-04",
        "toy_bars missing 21 2025-04-01 … 2025-04-30",
    ]


def _covering(period: Period, rows: int, *, hours: int = 7) -> Coverage:
    return Coverage("1", rows, {period.first_day: DayCount(rows, hours, hours)})


def _thin(feed: Feed, period: Period, rows: int, neighbours: dict[str, int]) -> tuple[str, ...]:
    known = {period.key: rows, **neighbours}
    return thin_reasons(Partition(feed, period), _covering(period, rows), {0, 1, 2, 3, 4}, known)


def test_a_day_is_compared_with_its_weekday_and_a_half_day_is_not_thin() -> None:
    friday = day(2025, 11, 28)
    fridays = {f"2025-{date_}": 39_000 for date_ in ("11-14", "11-21", "12-05", "12-12")}
    assert _thin(BARS, friday, 21_000, fridays) == ()
    assert _thin(BARS, friday, 9_000, fridays) == ("9,000 rows, 23% of its neighbours' 39,000",)
    # Only one side is loaded.
    before = {key: rows for key, rows in fridays.items() if key < friday.key}
    assert _thin(BARS, friday, 9_000, before) == ()
    assert _thin(BARS, friday, 6_000, before) == ("6,000 rows, 15% of its neighbours' 39,000",)
    # The days beside it say nothing.
    assert _thin(BARS, friday, 6_000, {"2025-11-27": 39_000, "2025-12-01": 39_000}) == ()


def test_an_hour_is_compared_with_the_same_hour_of_its_weekday() -> None:
    night = EVENTS.period("2025-05-14T04")
    weeks_around = {f"2025-{key}T04": 1_000 for key in ("04-30", "05-07", "05-21", "05-28")}
    assert _thin(EVENTS, night, 900, weeks_around) == ()
    assert _thin(EVENTS, night, 100, weeks_around) == ("100 rows, 10% of its neighbours' 1,000",)
    assert _thin(EVENTS, night, 100, {"2025-05-14T03": 9_000, "2025-05-14T05": 9_000}) == ()


def test_a_day_or_hour_without_rows_of_its_own_is_thin() -> None:
    for feed, period in ((BARS, day(2025, 5, 6)), (EVENTS, EVENTS.period("2025-05-06T01"))):
        reasons = thin_reasons(Partition(feed, period), Coverage("1", 5, {}), set(), {period.key: 5})
        assert reasons == (f"no rows within the {feed.grain}",)


def test_an_hourly_series_of_a_day_misses_its_hours() -> None:
    period = day(2025, 5, 6)
    coverage = Coverage("1", 22, {period.first_day: DayCount(22, 22, 21)})
    assert thin_reasons(Partition(BARS, period), coverage, set(), {period.key: 22}) == ("3 of 24 hours missing",)


@pytest.mark.usefixtures("database")
def test_rows_of_another_hour_are_not_of_the_period(published: Path) -> None:
    hours = [EVENTS.period(f"2025-05-06T0{number}") for number in (1, 2)]
    publish(published, EVENTS, hours[0])
    # The file of 02 holds what happened at 01.
    path = publish(published, EVENTS, hours[0])
    path.rename(path.with_name("2025-05-06T02.parquet"))
    publish(published, EVENTS, hours[0])
    results = ingest([Partition(EVENTS, hour) for hour in hours])
    assert {result.status for result in results} == {Status.LOADED}
    found = survey("toy_events", hours[0], hours[1], now=at("2025-05-07T00:00"))
    assert [(one.state, one.thin) for one in found.plan] == [
        (State.LOADED, ()),
        (State.LOADED, ("no rows within the hour",)),
    ]


@pytest.mark.parametrize(
    ("feed", "first", "last", "fewest"),
    [
        (BARS, day(2015, 1, 1), day(2025, 1, 1), 2_500),
        (EVENTS, Period.of_any_grain("2024-01-01T00"), Period.of_any_grain("2025-05-01T00"), 8_000),
    ],
)
def test_years_of_days_or_hours_are_planned_and_reported_at_once(
    feed: Feed, first: Period, last: Period, fewest: int, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.process_time()
    partitions = asked_partitions(feed.name, first, last, [], at("2025-06-01T00:00"))
    # Each second one is loaded; each tenth of those is not what the ledger says.
    loaded = partitions[::2]
    coverage = {one: _covering(one.period, 100 + number) for number, one in enumerate(loaded)}
    watermarks = {
        (feed.name, one.key): Watermark("1", coverage[one].rows + (number % 10 == 0), None, None, FILE)
        for number, one in enumerate(loaded)
    }
    answers = dict.fromkeys(partitions, FILE)
    known = Known(watermarks, coverage, answers)
    plan = plan_gaps(partitions, known, at("2025-06-01T00:00"))
    print_gaps(Survey(plan, known=known))
    assert len(plan) >= fewest
    # It takes 0.6 seconds for the hours; what grows with the square of them would take minutes.
    assert time.process_time() - begun < 10
    assert "the raw table holds" in capsys.readouterr().out
