"""Figures of files of days and hours, of a subject that the engine does not know."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from quality import health, quarantine
from quality.comparisons import ratio_to_before, rows_like_before
from quality.files import figure, not_null
from quality.subject import Explanation, Listing, Quarantine, Subject
from quality.suite import Expectation, Suite
from quality.troubles import trouble_of_quarantine
from quality.validate import run_suites
from warehouse.connection import open_for_reading, open_for_writing
from warehouse.ledger import Check, Fingerprint, Ledger, Watermark
from warehouse.paths import database_path
from warehouse.periods import Grain

# A Friday, and the trading days after it.
FRIDAY, MONDAY, TUESDAY, WEDNESDAY = (date(2025, 1, day) for day in (3, 6, 7, 8))

MEAN_PRICE = figure("mean_price", "avg(price)", low=0, why="Mean price.")
PRICE_LIKE_BEFORE = ratio_to_before(Grain.DAY, "mean_price", 0.5, 2, "Mean price, as a multiple of the day before.")


@pytest.fixture
def connection(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with a toy subject of days, and its ledger."""
    assert not database.exists()
    with open_for_writing() as connection:
        Ledger(connection)
        connection.execute(
            """
            create schema core_toys;
            create table core_toys.toy_sales (feed varchar, source_date date, source_row bigint, price double);
            create table core_toys.toy_ticks (feed varchar, source_hour timestamp, price double);
            create table core_toys.fairs (feed varchar, date_day date);
            create table core_toys.rejected_sales
                (feed varchar, source_date date, source_row bigint, reason varchar, price double);
            """
        )
        yield connection


def load(connection: duckdb.DuckDBPyConnection, day: date, *, rows: int = 600, price: float = 10) -> None:
    connection.execute(
        "insert into core_toys.toy_sales select 'toys', $day, number, $price from range($rows) as numbers (number)",
        {"day": day, "rows": rows, "price": price},
    )
    record(connection, "toys", f"{day:%Y-%m-%d}", rows)


def record(connection: duckdb.DuckDBPyConnection, feed: str, key: str, rows: int, *, load_id: str = "1") -> None:
    address = Fingerprint(f"https://example.org/{key}.csv")
    Ledger(connection).set_watermark(feed, key, Watermark(load_id, rows, None, None, address))


def sales(*expectations: Expectation, event_days: str | None = None) -> Suite:
    return Suite(
        "toys", "toy_sales", "core_toys.toy_sales", "files", expectations, ("toys",), grain=Grain.DAY,
        event_days=event_days,
    )  # fmt: skip


def failed(connection: duckdb.DuckDBPyConnection, suite: Suite) -> list[tuple[str, str | None]]:
    (result,) = run_suites(connection, [suite])
    return [(check.check_name, check.partition_key) for check in result.checks if not check.passed]


def test_a_file_of_a_day_is_named_by_its_day(connection: duckdb.DuckDBPyConnection) -> None:
    for day in (FRIDAY, MONDAY):
        load(connection, day, rows=10)
    connection.execute("update core_toys.toy_sales set price = null where source_date = '2025-01-06'")
    assert failed(connection, sales(not_null("price"))) == [("price_not_null", "toys/2025-01-06")]
    assert failed(connection, sales(not_null("price", since="2025-01-07"))) == []


def test_the_file_before_a_monday_is_that_of_friday(connection: duckdb.DuckDBPyConnection) -> None:
    load(connection, FRIDAY)
    load(connection, MONDAY, price=30)
    suite = sales(MEAN_PRICE, PRICE_LIKE_BEFORE)
    assert failed(connection, suite) == [("mean_price_against_day_before", "toys/2025-01-06")]
    load(connection, TUESDAY, price=30)
    assert failed(connection, suite) == [], "what changed has stayed"


def test_days_far_from_each_other_are_not_compared(connection: duckdb.DuckDBPyConnection) -> None:
    load(connection, FRIDAY)
    load(connection, FRIDAY + timedelta(days=7), price=30)
    assert failed(connection, sales(MEAN_PRICE, PRICE_LIKE_BEFORE)) == []


def test_a_short_day_is_noticed_unless_an_event_explains_it(connection: duckdb.DuckDBPyConnection) -> None:
    for day, rows in ((MONDAY, 5000), (TUESDAY, 100), (WEDNESDAY, 5000)):
        load(connection, day, rows=rows)
    rows_like_those_before = rows_like_before(Grain.DAY)
    of_events = sales(rows_like_those_before, event_days="core_toys.fairs")
    off = [("row_count_against_day_before", f"toys/{day}") for day in (TUESDAY, WEDNESDAY)]
    assert failed(connection, sales(rows_like_those_before)) == failed(connection, of_events) == off
    connection.execute("insert into core_toys.fairs values ('toys', '2025-01-07'), ('other', '2025-01-08')")
    assert failed(connection, of_events) == []


def test_files_of_hours_have_hours_for_keys(connection: duckdb.DuckDBPyConnection) -> None:
    for hour, price in ((22, 10.0), (23, None)):
        connection.execute(
            "insert into core_toys.toy_ticks select 'ticks', ?, ? from range(10)", [datetime(2025, 1, 3, hour), price]
        )
    suite = Suite(
        "ticks", "toy_ticks", "core_toys.toy_ticks", "files", (not_null("price"),), ("ticks",), grain=Grain.HOUR
    )
    assert failed(connection, suite) == [("price_not_null", "ticks/2025-01-03T23")]


def test_a_suite_of_files_says_how_long_their_periods_are() -> None:
    with pytest.raises(ValueError, match="toys: expected feeds and the grain of their periods, or neither"):
        Suite("toys", "toy_sales", "core_toys.toy_sales", "files", (), ("toys",))


QUARANTINE = Quarantine(
    "core_toys.rejected_sales",
    Grain.DAY,
    shown={"price": "price"},
    tolerance=0.1,
    explanations=(Explanation("toys", "no_price", before="2025-01-06", text="shops were closed"),),
)


@pytest.fixture
def rejected(connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subject with a quarantine: 10 of 100 rows of Friday are rejected, and 30 of 100 of Monday."""
    subject = Subject("toys", (), (QUARANTINE,), (Listing("assert_every_toy_is_sold", "toys not sold", "toy"),))
    for module in (quarantine, health):
        monkeypatch.setattr(module, "SUBJECTS", (subject,))
    for day, rows in ((FRIDAY, 10), (MONDAY, 30)):
        record(connection, "toys", f"{day}", 100)
        connection.execute(
            "insert into core_toys.rejected_sales"
            " select 'toys', ?, number, 'no_price', null from range(?) as numbers (number)",
            [day, rows],
        )
    connection.close()


@pytest.mark.usefixtures("rejected")
def test_a_subjects_quarantine_is_in_the_report(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert quarantine.main(["--live"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "toys",
        "toys 2025-01-03  no_price: 10 rows, 10.0000% of the file",
        "    shops were closed",
        *(f"    row {row}: price missing" for row in range(3)),
        "toys 2025-01-06  no_price: 30 rows, 30.0000% of the file",
        *(f"    row {row}: price missing" for row in range(3)),
        "failed toys 2025-01-06: more than 10% of the file",
        f"working file {database}",
    ]
    assert quarantine.main(["--live", "--json"]) == 1
    friday, monday = json.loads(capsys.readouterr().out)
    assert (friday["is_tolerated"], monday["is_tolerated"]) == (True, False)
    assert friday == {
        "subject": "toys",
        "feed": "toys",
        "period": "2025-01-03",
        "reason": "no_price",
        "rows": 10,
        "share": 0.1,
        "share_of_file": 0.1,
        "tolerance": 0.1,
        "is_tolerated": True,
        "explanation": "shops were closed",
        "examples": [{"row": row, "price": None} for row in range(3)],
    }


@pytest.mark.usefixtures("rejected")
def test_what_was_rejected_of_a_file_can_be_accepted_until_another_file_is_loaded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def troubles() -> list[str]:
        with open_for_reading() as connection:
            return [trouble.summary for trouble in trouble_of_quarantine(quarantine.rejections(connection))]

    with open_for_reading() as connection:
        (trouble,) = trouble_of_quarantine(quarantine.rejections(connection))
    assert trouble.otherwise == ("nyc quarantine --accept toys:2025-01-06 --reason 'say why'", "nyc publish")

    assert quarantine.main(["--accept", "toys:2025-01-07", "--reason", "a flood"]) == 2
    assert "expected FEED:PERIOD with rejected rows, but got 'toys:2025-01-07'" in capsys.readouterr().err
    assert quarantine.main(["--accept", "toys:2025-01-06"]) == 2
    assert len(troubles()) == 1

    assert quarantine.main(["--accept", "toys:2025-01-06", "--reason", "a flood"]) == 0
    assert capsys.readouterr().out == "accepted: toys 2025-01-06. Readers see it after the next nyc publish.\n"
    assert troubles() == []
    assert quarantine.main(["--live"]) == 0
    assert ": a flood\n" in capsys.readouterr().out

    with duckdb.connect(str(database_path())) as connection:
        record(connection, "toys", f"{MONDAY}", 100, load_id="another")
    assert len(troubles()) == 1


@pytest.mark.usefixtures("rejected")
def test_health_names_the_rows_that_a_subjects_test_warns_of(capsys: pytest.CaptureFixture[str]) -> None:
    with open_for_writing() as connection:
        connection.execute("create schema core_checks")
        connection.execute("create view core_checks.assert_every_toy_is_sold as select unnest(['bear', 'kite']) as toy")
        warned = Check("fct_toy_sales", "assert_every_toy_is_sold", "dbt", "warn", False, "2 rows", "0 rows")
        Ledger(connection).record_checks("1", [warned])
    assert health.main(["--live"]) == 0
    said = capsys.readouterr().out
    assert "warned fct_toy_sales.assert_every_toy_is_sold: observed 2 rows, expected 0 rows" in said
    assert "toys not sold: bear, kite" in said
    assert health.main(["--live", "--json"]) == 0
    (check,) = json.loads(capsys.readouterr().out)
    assert (check["check"], check["passed"], check["rows"]) == ("assert_every_toy_is_sold", False, ["bear", "kite"])
