"""The gap planner's command line, against published files and a database with holes."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from ingestion.catalog import FEEDS, resolve_sources
from ingestion.gap_plan import Planned
from ingestion.gap_report import print_gaps
from ingestion.gap_survey import Survey, survey
from ingestion.gaps import main
from ingestion.pipeline import Status, ingest
from ingestion.publication import State
from sandbox.faults import Fault
from sandbox.mobility.months import month_range
from sandbox.server import SamplePublisher
from tests.partitions import partition_of, partitions_of
from warehouse.paths import DATABASE_VARIABLE

MARCH, APRIL, MAY = (date(2025, month, 1) for month in (3, 4, 5))
NOTHING_LISTENS = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def loaded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with published files and a database in which some of them are loaded; for tests to copy."""
    folder = tmp_path_factory.mktemp("gaps")
    with (
        SamplePublisher(MARCH, MAY, rows=2000, folder=folder / "published") as server,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in {**server.environment, DATABASE_VARIABLE: str(folder / "loaded.duckdb")}.items():
            environment.setenv(name, value)
        for sources, months in (("yellow", [MARCH, APRIL, MAY]), ("citibike_jc", [APRIL]), ("green,weather", [MARCH])):
            results = ingest(partitions_of(resolve_sources(sources), months))
            assert {result.status for result in results} == {Status.LOADED}
        _change(
            folder / "loaded.duckdb",
            f"update meta.asset_watermarks set source_url = replace(source_url, '{server.url}', 'publisher')",
        )
    return folder


@pytest.fixture
def publisher(loaded_once: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    with SamplePublisher(MARCH, MAY, rows=2000, folder=loaded_once / "published") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def warehouse(loaded_once: Path, publisher: SamplePublisher, database: Path) -> Path:
    """The test's own database: yellow 2025-03 to 05, citibike_jc 2025-04, green and weather 2025-03."""
    shutil.copy(loaded_once / "loaded.duckdb", database)
    _change(
        database,
        f"update meta.asset_watermarks set source_url = replace(source_url, 'publisher', '{publisher.url}')",
    )
    return database


def _change(database: Path, *statements: str) -> None:
    with duckdb.connect(str(database)) as connection:
        for statement in statements:
            connection.execute(statement)


def _unload(database: Path, feed: str, month: date) -> None:
    """Have the month never been loaded."""
    _change(
        database,
        f"delete from raw_data.{FEEDS[feed].raw_table} where feed = '{feed}' and source_month = '{month}'",
        f"delete from meta.asset_watermarks where asset = '{feed}' and partition_key = '{month:%Y-%m}'",
    )


def _lose_rows(database: Path, feed: str, month: date, which: str) -> None:
    """Have raw table and ledger be as if the published file had been without these rows."""
    table, partition = FEEDS[feed].raw_table, f"feed = '{feed}' and source_month = '{month}'"
    _change(
        database,
        f"delete from raw_data.{table} where {partition} and {which}",
        "update meta.asset_watermarks set rows ="
        f" (select count(*) from raw_data.{table} where {partition}), content_hash = null"
        f" where asset = '{feed}' and partition_key = '{month:%Y-%m}'",
    )


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    """The exit status, and the lines printed with single blanks."""
    status = main(arguments)
    return status, [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_the_plan_of_a_database_with_holes_and_its_filling(warehouse: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _unload(warehouse, "yellow", APRIL)
    asked = ("--sources", "yellow,citibike_jc", "--to", "2025-06")
    plan = [
        "feed state months which",
        "yellow loaded 2 2025-03, 2025-05",
        "yellow missing 1 2025-04",
        "yellow overdue 1 2025-06: due by now, but not at the publisher",
        "citibike_jc loaded 1 2025-04",
        "citibike_jc missing 2 2025-03, 2025-05",
        "citibike_jc overdue 1 2025-06: due by now, but not at the publisher",
        "3 missing, 2 overdue.",
    ]
    status, lines = _run(capsys, *asked)
    assert (status, lines[:9]) == (3, [*plan, "To load them: the same command with --fill"])
    assert lines[9].startswith("Overdue months cannot be loaded until they are published.")

    status, lines = _run(capsys, *asked, "--fill")
    # What is overdue is not published.
    assert (status, lines[:8]) == (3, plan)
    assert [line.split()[:3] for line in lines[9:]] == [
        ["citibike_jc", "2025-03", "loaded"],
        ["yellow", "2025-04", "loaded"],
        ["citibike_jc", "2025-05", "loaded"],
    ]
    status, lines = _run(capsys, *asked)
    assert (status, lines[5]) == (3, "2 overdue.")
    assert "yellow loaded 3 2025-03 … 2025-05" in lines
    status, lines = _run(capsys, *asked[:2], "--to", "2025-05")
    assert (status, lines[-1]) == (0, "Nothing is missing.")


def test_publishers_are_asked_for_headers_only_and_not_for_weather(
    publisher: SamplePublisher, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = len(publisher.requests)
    _, lines = _run(capsys, "--to", "2025-04", "--sources", "green,weather")
    assert {(asked.method, asked.bytes_sent) for asked in publisher.requests[seen:]} == {("HEAD", 0)}
    assert [asked.path for asked in publisher.requests[seen:]] == [
        "/trip-data/green_tripdata_2025-03.parquet",
        "/trip-data/green_tripdata_2025-04.parquet",
    ]
    assert "weather missing 1 2025-04" in lines
    assert "weather: whether a loaded month was replaced cannot be told without fetching it." in lines


def test_a_replaced_file_is_found_and_loaded(
    publisher: SamplePublisher, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publisher.replace("citibike_jc", APRIL)
    asked = ("--sources", "citibike_jc", "--to", "2025-04")
    status, lines = _run(capsys, *asked)
    assert (status, lines[1:3]) == (3, ["citibike_jc replaced 1 2025-04", "1 replaced."])
    assert _run(capsys, *asked, "--fill")[0] == 0
    assert _run(capsys, *asked)[0] == 0


def test_thin_months_are_found_and_loaded_again_when_replaced(
    publisher: SamplePublisher, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _lose_rows(warehouse, "yellow", APRIL, "tpep_pickup_datetime >= '2025-04-21'")
    _lose_rows(warehouse, "yellow", MAY, "source_row % 5 <> 0")
    # Strays of other years do not hide the days that are missing.
    _change(
        warehouse,
        "update raw_data.yellow_taxi set tpep_pickup_datetime = '2031-01-01'"
        " where source_month = '2025-04-01' and source_row = 5",
    )
    asked = ("--sources", "yellow", "--to", "2025-05")
    status, lines = _run(capsys, *asked)
    assert status == 3
    assert lines[1] == "yellow loaded 3 2025-03 … 2025-05"
    assert lines[2] == "yellow thin 1 2025-04: no rows after 2025-04-20"
    assert lines[3].startswith("yellow thin 1 2025-05: 420 rows, 24% of its neighbours' ")
    assert lines[4] == "2 thin."

    # While the publisher's file is the same there is nothing to load.
    status, lines = _run(capsys, *asked, "--fill")
    assert (status, [line.split()[:3] for line in lines[-4:-2]]) == (
        0,
        [["yellow", "2025-04", "unchanged"], ["yellow", "2025-05", "unchanged"]],
    )
    assert lines[-2].startswith("Still thin: yellow 2025-04, yellow 2025-05. ")
    assert lines[-1] == "python -m ingestion.gaps --accept yellow:2025-04,yellow:2025-05 --reason 'say why'"
    for month in (APRIL, MAY):
        publisher.replace("yellow", month)
    assert _run(capsys, *asked, "--fill")[0] == 0
    assert _run(capsys, *asked) == (0, ["feed state months which", lines[1], "Nothing is missing."])


def test_a_thin_month_is_accepted_until_there_is_another_file(
    publisher: SamplePublisher, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _lose_rows(warehouse, "yellow", APRIL, "tpep_pickup_datetime >= '2025-04-21'")
    asked = ("--sources", "yellow", "--to", "2025-05")
    assert _run(capsys, *asked)[0] == 3
    assert _run(capsys, "--list-accepted") == (0, ["Nothing is accepted."])

    # Printed as it is: no markup.
    assert _run(capsys, "--accept", "yellow:2025-04", "--reason", "snow [bold]& ice[/]") == (
        0,
        ["yellow 2025-04: accepted as thin (snow [bold]& ice[/])"],
    )
    plan = [
        "feed state months which",
        "yellow loaded 3 2025-03 … 2025-05",
        "yellow accepted 1 2025-04: thin, no rows after 2025-04-20; accepted (snow [bold]& ice[/])",
        "Nothing is missing; 1 accepted.",
    ]
    assert _run(capsys, *asked) == (0, plan)
    seen = len(publisher.requests)
    assert _run(capsys, *asked, "--fill") == (0, plan)
    assert [asked.method for asked in publisher.requests[seen:]] == ["HEAD"] * 3
    status, lines = _run(capsys, "--list-accepted")
    assert (status, len(lines)) == (0, 2)
    assert lines[1].startswith("yellow 2025-04 thin ")
    assert lines[1].endswith(" snow [bold]& ice[/]")

    # Loaded again, it has rows to its end: not thin any more, and so nothing that is accepted.
    ingest(partitions_of([FEEDS["yellow"]], [APRIL]), force=True)
    assert _run(capsys, *asked)[1][-1] == "Nothing is missing."
    # The same file, as thin as before; then another one.
    _lose_rows(warehouse, "yellow", APRIL, "tpep_pickup_datetime >= '2025-04-21'")
    assert _run(capsys, *asked) == (0, plan)
    publisher.replace("yellow", APRIL)
    status, lines = _run(capsys, *asked)
    assert (status, lines[-2]) == (3, "1 replaced, 1 accepted.")
    ingest(partitions_of([FEEDS["yellow"]], [APRIL]))
    _lose_rows(warehouse, "yellow", APRIL, "tpep_pickup_datetime >= '2025-04-21'")
    status, lines = _run(capsys, *asked)
    assert (status, lines[-2]) == (3, "1 thin.")
    assert _run(capsys, "--list-accepted")[1][1].endswith("(another file was loaded since: no longer accepted)")

    # As it is now, and then no more.
    assert _run(capsys, "--accept", "yellow:2025-04", "--reason", "ice")[0] == 0
    assert _run(capsys, *asked)[1][-1] == "Nothing is missing; 1 accepted."
    assert _run(capsys, "--reopen", "yellow:2025-04") == (0, ["yellow 2025-04: no longer accepted"])
    assert _run(capsys, *asked)[0] == 3


def test_missing_and_overdue_months_are_accepted_and_not_filled(
    publisher: SamplePublisher, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--sources", "citibike_jc", "--to", "2025-06")
    assert _run(capsys, *asked)[1][4] == "1 missing, 1 overdue."
    accepted = _run(
        capsys, "--accept", "citibike_jc:2025-05, citibike_jc:2025-06", "--accept", "citibike_jc:2025-05",
        "--reason", "moved",
    )  # fmt: skip
    assert accepted == (
        0,
        ["citibike_jc 2025-05: accepted as missing (moved)", "citibike_jc 2025-06: accepted as overdue (moved)"],
    )
    plan = [
        "feed state months which",
        "citibike_jc loaded 1 2025-04",
        "citibike_jc accepted 1 2025-05: missing; accepted (moved)",
        "citibike_jc accepted 1 2025-06: overdue; accepted (moved)",
        "Nothing is missing; 2 accepted.",
    ]
    assert _run(capsys, *asked, "--fill") == (0, plan)
    # By date alone both are missing.
    assert _run(capsys, *asked, "--offline", "--fill") == (
        0,
        [*plan[:2], "citibike_jc accepted 2 2025-05 … 2025-06: missing; accepted (moved)", plan[-1]],
    )
    publisher.publish(date(2025, 6, 1))
    assert _run(capsys, *asked)[1][-2] == "1 missing, 1 accepted."
    publisher.replace("citibike_jc", MAY)
    assert _run(capsys, *asked)[1][-2] == "2 missing."


def test_what_is_not_wrong_is_not_accepted_nor_reopened(warehouse: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--accept", "yellow:2025-04,citibike_jc:2025-05", "--reason", "x"]) == 2
    assert "nothing wrong with yellow 2025-04 (loaded)" in capsys.readouterr().err
    assert main(["--reopen", "yellow:2025-04"]) == 2
    assert "nothing is accepted of yellow 2025-04" in capsys.readouterr().err
    assert _run(capsys, "--list-accepted")[1] == ["Nothing is accepted."]


@pytest.mark.usefixtures("publisher")
def test_a_month_is_accepted_before_anything_is_loaded(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(capsys, "--list-accepted")[0] == 0
    assert not database.exists()
    assert _run(capsys, "--accept", "green:2025-04", "--reason", "too early")[0] == 0
    status, lines = _run(capsys, "--sources", "green", "--from", "2025-04", "--to", "2025-04")
    assert (status, lines[-1]) == (0, "Nothing is missing; 1 accepted.")


def test_citi_bikes_files_are_told_by_its_listing_in_one_request(
    publisher: SamplePublisher, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publisher.replace("citibike_jc", APRIL)
    seen = len(publisher.requests)
    _, lines = _run(capsys, "--sources", "citibike_jc", "--to", "2025-05")
    assert lines[1:3] == ["citibike_jc missing 1 2025-05", "citibike_jc replaced 1 2025-04"]
    assert [asked.path for asked in publisher.requests[seen:]] == ["/tripdata?list-type=2&prefix=JC-20250"]


def test_months_under_names_with_a_slip_are_found_and_filled(
    database: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = date(2022, 6, 1), date(2022, 8, 1)
    with SamplePublisher(first, last, rows=100) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        asked = ("--sources", "citibike_jc", "--from", "2022-06", "--to", "2022-08")
        status, lines = _run(capsys, *asked)
        assert (status, lines[1]) == (3, "citibike_jc missing 3 2022-06 … 2022-08")
        assert _run(capsys, *asked, "--fill")[0] == 0
        assert _run(capsys, *asked)[1][1:] == ["citibike_jc loaded 3 2022-06 … 2022-08", "Nothing is missing."]


@pytest.mark.parametrize("change", ["delete from", "update"])
def test_missing_hours_of_weather_are_found_and_filled(
    warehouse: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    if change == "delete from":
        _lose_rows(warehouse, "weather", MARCH, "time between '2025-03-30 01:00' and '2025-03-31 23:00'")
    else:
        _lose_rows(warehouse, "weather", MARCH, "false")
        _change(warehouse, "update raw_data.weather_hourly set temperature_2m = null where time >= '2025-03-30 01:00'")
    asked = ("--sources", "weather", "--to", "2025-03")
    status, lines = _run(capsys, *asked)
    assert (status, lines[2]) == (3, "weather thin 1 2025-03: 47 of 744 hours missing")
    assert _run(capsys, *asked, "--fill")[0] == 0
    assert _run(capsys, *asked)[0] == 0


def test_rows_that_went_without_the_ledgers_knowledge_are_loaded_again(
    warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _change(warehouse, "delete from raw_data.green_taxi where source_row < 20")
    asked = ("--sources", "green", "--to", "2025-03")
    status, lines = _run(capsys, *asked)
    assert (status, lines[1]) == (
        3,
        "green missing 1 2025-03: the raw table holds 100 rows, the ledger says 120",
    )
    assert _run(capsys, *asked, "--fill")[0] == 0
    assert _run(capsys, *asked)[0] == 0


def test_offline_nobody_is_asked(
    publisher: SamplePublisher, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = len(publisher.requests)
    status, lines = _run(capsys, "--sources", "green", "--to", "2025-06", "--offline")
    assert publisher.requests[seen:] == []
    assert (status, lines[1:3]) == (3, ["green loaded 1 2025-03", "green missing 3 2025-04 … 2025-06"])
    # What was not published after all is said by the loads.
    assert _run(capsys, "--sources", "green", "--to", "2025-06", "--offline", "--fill")[0] == 3


def test_a_publisher_that_cannot_be_asked_hides_no_other(
    warehouse: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__TLC__BASE_URL", NOTHING_LISTENS)
    status, lines = _run(capsys, "--from", "2025-03", "--sources", "green,citibike_jc", "--to", "2025-06")
    assert status == 1
    assert lines[1:6] == [
        "green loaded 1 2025-03",
        "green missing 3 2025-04 … 2025-06",
        "citibike_jc loaded 1 2025-04",
        "citibike_jc missing 2 2025-03, 2025-05",
        "citibike_jc overdue 1 2025-06: due by now, but not at the publisher",
    ]
    assert lines[6].startswith("tlc could not be asked; green judged by date alone: http://127.0.0.1:9/green_tripdata")
    # A whole plan from an incomplete answer is still not the all-clear.
    status, lines = _run(capsys, "--sources", "green", "--to", "2025-03")
    assert (status, lines[-1]) == (1, "Nothing is missing as far as can be told without tlc.")
    assert _run(capsys, "--sources", "green", "--to", "2025-03", "--fill")[0] == 1


@pytest.mark.parametrize("scheme", ["http", "nonsense"])
def test_a_password_in_the_base_address_is_nowhere(
    scheme: str,
    warehouse: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level("DEBUG")
    for publisher in ("TLC", "CITIBIKE"):
        monkeypatch.setenv(f"SOURCES__{publisher}__BASE_URL", f"{scheme}://me:s3cret@127.0.0.1:9")
    asked = ("--sources", "green,citibike_jc", "--to", "2025-06")
    assert main(asked) == 1
    assert main(["--accept", "citibike_jc:2025-05", "--reason", "moved"]) == 0
    assert main(["--list-accepted"]) == 0
    said = capsys.readouterr()
    assert f"tlc could not be asked; green judged by date alone: {scheme}://127.0.0.1:9/green" in said.out
    with duckdb.connect(str(warehouse)) as connection:
        kept = connection.execute("select * from meta.accepted_gaps").fetchall()
    assert len(kept) == 1
    assert "s3cret" not in f"{said.out}{said.err}{caplog.text}{kept}"


def test_a_publisher_that_answers_with_an_error_was_not_asked(
    publisher: SamplePublisher, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publisher.break_("yellow", MARCH, Fault.UNAVAILABLE)
    status, lines = _run(capsys, "--sources", "yellow,green", "--to", "2025-03")
    assert status == 1
    assert lines[3].startswith("tlc could not be asked; yellow, green judged by date alone: ")
    assert "503" in lines[3]


def test_what_a_publisher_says_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_gaps(
        Survey([Planned(partition_of(FEEDS["yellow"], MAY), State.LOADED)], {"tlc": "500 \x1b]0;x\x07 [bold]no"})
    )
    assert "judged by date alone: 500 ?]0;x? [bold]no" in capsys.readouterr().out


def test_by_default_the_default_feeds_and_the_loaded_ones_from_the_first_loaded_month_to_this(warehouse: Path) -> None:
    today = datetime.now(UTC).date()
    plan = survey(None, None, None, now=today, is_offline=True).plan
    feeds = dict.fromkeys(planned.partition.feed.name for planned in plan)
    assert list(feeds) == ["yellow", "green", "fhv", "citibike", "citibike_jc", "weather"]
    months = sorted({planned.partition.period.first_day for planned in plan})
    assert months == list(month_range(MARCH, today))


def test_what_has_nothing_loaded_needs_a_first_month(warehouse: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--sources", "fhv"]) == 1
    assert "nothing is loaded of fhv. Say which is the first with --from YYYY-MM" in capsys.readouterr().err
    status, lines = _run(capsys, "--sources", "fhv", "--from", "2025-05", "--to", "2025-05")
    assert (status, lines[1]) == (3, "fhv missing 1 2025-05")


@pytest.mark.usefixtures("publisher")
def test_without_a_database_a_first_month_is_all_it_takes(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--sources", "green"]) == 1
    assert "nothing is loaded of green. Say which is the first with --from YYYY-MM" in capsys.readouterr().err
    assert not database.exists()
    assert _run(capsys, "--sources", "green", "--from", "2025-03", "--to", "2025-03", "--fill")[0] == 0
    status, lines = _run(capsys, "--sources", "green", "--to", "2025-03")
    assert (status, lines[1]) == (0, "green loaded 1 2025-03")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--from 2025-13", "YYYY-MM"),
        ("--to 2925-01", "2925-01 has not begun yet"),
        ("--from 2025-03 --to 2025-02", "--from 2025-03 is after --to 2025-02"),
        ("--sources uber", "unknown source 'uber'"),
        ("--accept yellow:2025-04", "expected --reason"),
        ("--accept yellow:2025-04 --reason \x1b[31mred", "printable characters"),
        ("--accept yellow:2025-04 --reason " + "x" * 201, "1 to 200 printable"),
        ("--accept yellow --reason x", "expected FEED:PERIOD, such as minute_aggs:2003-09-10"),
        ("--accept , --reason x", "expected FEED:PERIOD"),
        ("--accept uber:2025-04 --reason x", "got 'uber:2025-04'"),
        ("--accept yellow:2025-4 --reason x", "YYYY-MM"),
        ("--accept citibike_jc:2015-08 --reason x", "a month of citibike_jc from 2015-09"),
        ("--accept yellow:2925-04 --reason x", "to the current one"),
        ("--accept yellow:2025-04 --reason x --fill", "not allowed with"),
        ("--accept yellow:2025-04 --reason x --from 2025-03", "no --from"),
        ("--list-accepted --reason x", "--reason with --accept only"),
    ],
)
def test_bad_arguments_exit_with_2_and_say_what_is_expected(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments.split())
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


def test_a_range_that_ends_before_anything_is_loaded_is_a_bad_argument(
    warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--sources", "citibike_jc", "--to", "2025-03"]) == 2
    assert "the first month 2025-04 is after the last month 2025-03" in capsys.readouterr().err


def test_a_piped_plan_is_cut_nowhere(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    months = [month for month in month_range(date(2010, 1, 1), MAY) if month.month % 2]
    print_gaps(Survey([Planned(partition_of(FEEDS["yellow"], month), State.MISSING) for month in months]))
    which = ", ".join(f"{month:%Y-%m}" for month in months)
    assert capsys.readouterr().out.splitlines()[1].split(maxsplit=3) == ["yellow", "missing", "93", which]
