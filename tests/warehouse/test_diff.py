"""What differs between two releases: rows, money and reasons; and the command that says so."""

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.releases_by_hand import Contents, Made, Rows, publish_by_hand
from warehouse.exit_codes import ExitCode
from warehouse.ledger import Check
from warehouse.releases import Release, Releases, open_release
from warehouse.releases.diff import ColumnsDiff, PartDiff, ReleaseDiff, compare
from warehouse.releases.diff_command import main
from warehouse.releases.diff_ledger import ledger_of
from warehouse.releases.diff_outline import outline
from warehouse.releases.diff_reasons import Cause, Reason
from warehouse.releases.diff_rows import Money
from warehouse.releases.release import DATABASE_NAME

JANUARY, FEBRUARY = "yellow/2025-01", "yellow/2025-02"

# What is loaded in the first release. One load brought the weather of two months.
LOADS = {
    ("yellow", "2025-01"): ("y1", "a"),
    ("yellow", "2025-02"): ("y2", "b"),
    ("weather", "2025-01"): ("w1", "c"),
    ("weather", "2025-02"): ("w1", "d"),
}


def trips(month: str, load_id: str, *rows: tuple[int, float | None, str]) -> str:
    """A query for trips of (trip id, fare, word)."""
    values = ", ".join(f"({id_}, {'null' if fare is None else fare}, '{word}')" for id_, fare, word in rows)
    return (
        f"select trip_id::bigint as trip_id, fare::double as fare, word, 'yellow' as feed, date '{month}-01' as"
        f" source_month, '{load_id}' as load_id from (values {values}) as t (trip_id, fare, word)"
    )


FIRST_TRIPS = ((1, 10.0, "a"), (2, 20.5, "b"), (3, None, "c"))
FIRST = Made(
    "trips",
    {
        JANUARY: Rows(trips("2025-01", "y1", *FIRST_TRIPS), "y1 weather w1 w1", "y1"),
        FEBRUARY: Rows(trips("2025-02", "y2", (9, 9.0, "z")), "y2 weather w1 w1", "y2"),
    },
)
BEFORE = Contents([FIRST], LOADS)


@pytest.fixture(autouse=True)
def _folder(database: Path) -> None:
    """Releases of the test's own, beside its DuckDB file."""


def with_part(table: Made, key: str, rows: Rows) -> Made:
    return replace(table, parts={**table.parts, key: rows})


def january(
    version: str, load_id: str = "y1", fingerprint: str = "first", *rows: tuple[int, float | None, str]
) -> Made:
    """The table with other rows in January: by default one fare is another."""
    changed = rows or ((1, 11.0, "a"), *FIRST_TRIPS[1:])
    made = with_part(FIRST, JANUARY, Rows(trips("2025-01", load_id, *changed), version, load_id))
    return replace(made, fingerprint=fingerprint)


def compared(after: Contents, before: Contents = BEFORE, examples: int = 0) -> ReleaseDiff:
    old, new = publish_by_hand(before, 1), publish_by_hand(after, 2)
    diff = compare(old, new, examples=examples)
    assert outlined(old, new) == {
        (table.table, part.partition_key): part.reasons for table in diff.tables for part in table.parts
    }
    return diff


def outlined(old: Release, new: Release) -> dict[tuple[str, str], tuple[Reason, ...]]:
    """What differs by the outline, which reads no rows: the reasons by table and partition."""
    with open_release(old) as before, open_release(new) as after:
        ledgers = ledger_of(before, DATABASE_NAME), ledger_of(after, DATABASE_NAME)
    return {
        (table.name, part.partition_key): part.reasons for table in outline(old, new, ledgers) for part in table.parts
    }


def only_part(diff: ReleaseDiff) -> PartDiff:
    ((part,),) = [table.parts for table in diff.tables]
    return part


def reasons(part: PartDiff) -> list[str]:
    return [str(reason) for reason in part.reasons]


def test_rows_of_a_replaced_file_are_told_by_key() -> None:
    after = january("y3 weather w1 w1", "y3", "first", (1, 10.0, "a"), (2, 21.0, "B"), (4, 1.25, "d"))
    diff = compared(replace(BEFORE, tables=[after]).loaded("yellow", "2025-01", "y3", "new"), examples=3)
    (table,) = diff.tables
    (part,) = table.parts
    assert (table.table, table.unchanged_parts, part.partition_key) == ("marts.trips", 1, JANUARY)
    rows = part.rows
    assert (rows.before, rows.after) == (3, 3)
    assert (rows.added, rows.gone, rows.changed, rows.reloaded) == (1, 1, 1, 1)
    assert rows.columns == {"fare": 1, "word": 1}
    assert part.money == (Money("fare", 30.5, 32.25, 1.75),)
    assert reasons(part) == ["file replaced"]
    shown = {example.kind: (example.row, example.values) for example in table.examples}
    assert shown == {
        "added": ({"trip_id": 4}, {}),
        "gone": ({"trip_id": 3}, {}),
        "changed": ({"trip_id": 2}, {"fare": (20.5, 21.0), "word": ("b", "B")}),
    }


def test_the_outline_needs_no_rows() -> None:
    old, new = publish_by_hand(BEFORE, 1), publish_by_hand(replace(BEFORE, tables=[january("y1 rows 1")]), 2)
    for release in (old, new):
        for _, part in release.files():
            (release.folder / str(part.file)).unlink()
    assert outlined(old, new) == {("marts.trips", JANUARY): (Reason(Cause.OTHER_HANDS),)}


def test_rows_that_are_all_others_are_added_and_gone() -> None:
    part = only_part(compared(replace(BEFORE, tables=[january("y1 rows 1", "y1", "first", (7, 1.0, "x"))])))
    assert (part.rows.added, part.rows.gone, part.rows.changed, part.rows.reloaded) == (1, 3, 0, 0)


def test_partitions_with_the_same_rows_are_not_read() -> None:
    old, new = publish_by_hand(BEFORE, 1), publish_by_hand(replace(BEFORE, tables=[january("y1 rows 1")]), 2)
    for release in (old, new):
        (release.folder / "tables" / "marts" / "trips" / f"{FEBRUARY}.parquet").unlink()
    assert only_part(compare(old, new)).rows.changed == 1


@pytest.mark.parametrize(
    ("etag", "expected"), [("a", ["file loaded again"]), ("new", ["file replaced"])], ids=["same", "other"]
)
def test_rows_of_another_load_alone_are_not_changed(etag: str, expected: list[str]) -> None:
    after = january("y3 weather w1 w1", "y3", "first", *FIRST_TRIPS)
    part = only_part(compared(replace(BEFORE, tables=[after]).loaded("yellow", "2025-01", "y3", etag)))
    assert (part.rows.changed, part.rows.reloaded, part.rows.columns) == (0, 3, {})
    assert part.money[0].difference == 0
    assert reasons(part) == expected


def test_another_input_is_named_with_what_happened_to_it() -> None:
    later = [january("y1 weather w1 w1 w3")]
    came = BEFORE.loaded("weather", "2025-02", "w1", "d")
    for number, (contents, tables, expected) in enumerate(
        [
            (came.loaded("weather", "2024-12", "w3", "e"), later, "weather 2024-12 came later"),
            (BEFORE.loaded("weather", "2025-02", "w3", "e"), later, "weather 2025-02 was replaced"),
            (BEFORE.loaded("weather", "2025-02", "w3", "d"), later, "weather 2025-02 was loaded again"),
            (
                replace(BEFORE, loads={key: LOADS[key] for key in LOADS if key != ("weather", "2025-02")}),
                [january("y1 weather w1")],
                "weather 2025-02 is gone",
            ),
        ]
    ):
        old = publish_by_hand(BEFORE, 10 + 2 * number)
        new = publish_by_hand(replace(contents, tables=tables), 11 + 2 * number)
        assert reasons(only_part(compare(old, new))) == [expected]


def test_inputs_that_the_version_does_not_name_are_no_reason() -> None:
    # Loaded in the same time, and near: but January was not built from them.
    contents = BEFORE.loaded("weather", "2025-02", "w3", "e").loaded("green", "2025-01", "g1", "f")
    contents = contents.loaded("yellow", "2025-02", "y4", "g")
    after = replace(contents, tables=[january("y1 weather w1 w3")])
    assert reasons(only_part(compared(after))) == ["weather 2025-02 was replaced"]


def test_where_the_version_is_a_checksum_what_was_loaded_near_is_named() -> None:
    hourly = Made("hourly", {"2025-01": Rows("select 1 as trip_id, 1.0::double as fare", "8d2f")}, fields=("month",))
    after = with_part(hourly, "2025-01", Rows("select 1 as trip_id, 2.0::double as fare", "77aa"))
    contents = (
        replace(BEFORE, tables=[after]).loaded("yellow", "2025-02", "y4", "x").loaded("green", "2025-07", "g", "x")
    )
    part = only_part(compared(contents, replace(BEFORE, tables=[hourly])))
    assert reasons(part) == ["yellow 2025-02 was replaced"]


@pytest.mark.parametrize(
    ("version", "fingerprint", "expected"),
    [
        ("y1 weather w1 w1", "second", ["model changed"]),
        ("y1 weather w1 w1 rows 2", "second", ["model changed"]),
        ("y1 weather w1 w1", "first", ["changed by other hands"]),
        ("y1 weather w1 w1 rows 2", "first", ["changed by other hands"]),
    ],
)
def test_what_no_load_explains_is_the_model_or_other_hands(version: str, fingerprint: str, expected: list[str]) -> None:
    part = only_part(compared(replace(BEFORE, tables=[january(version, "y1", fingerprint)])))
    assert reasons(part) == expected
    assert (part.rows.changed, part.rows.columns) == (1, {"fare": 1})


def test_several_reasons_are_all_told() -> None:
    after = january("y3 weather w1 w3", "y3", "second")
    contents = BEFORE.loaded("yellow", "2025-01", "y3", "x").loaded("weather", "2025-02", "w3", "x")
    part = only_part(compared(replace(contents, tables=[after])))
    assert reasons(part) == ["file replaced", "weather 2025-02 was replaced", "model changed"]


def test_a_new_period_and_one_that_is_gone() -> None:
    march = Rows(trips("2025-03", "y5", (30, 7.5, "m")), "y5", "y5")
    after = replace(FIRST, parts={JANUARY: FIRST.parts[JANUARY], "yellow/2025-03": march})
    loads = {key: LOADS[key] for key in LOADS if key != ("yellow", "2025-02")}
    contents = Contents([after], loads).loaded("yellow", "2025-03", "y5", "x")
    (table,) = compared(contents, examples=1).tables
    gone, new = table.parts
    assert (gone.partition_key, reasons(gone), gone.rows.gone, gone.rows.after) == (FEBRUARY, ["period gone"], 1, 0)
    assert gone.money == (Money("fare", 9.0, 0.0, -9.0),)
    assert (new.partition_key, reasons(new), new.rows.added, new.rows.before) == (
        "yellow/2025-03",
        ["new period"],
        1,
        0,
    )
    assert new.money == (Money("fare", 0.0, 7.5, 7.5),)
    assert {(example.kind, example.row["trip_id"]) for example in table.examples} == {("added", 30), ("gone", 9)}


def test_first_rows_of_a_known_period_have_the_reason_of_a_change() -> None:
    # As with rejected rows: before the rule was stricter, there were none.
    before = replace(FIRST, parts={JANUARY: FIRST.parts[JANUARY]})
    old, new = replace(BEFORE, tables=[before]), replace(BEFORE, tables=[replace(FIRST, fingerprint="second")])
    part = only_part(compared(new, old))
    assert (part.partition_key, reasons(part), part.rows.added) == (FEBRUARY, ["model changed"], 1)
    assert reasons(
        only_part(compare(*reversed([publish_by_hand(each, 5 + n) for n, each in enumerate((old, new))])))
    ) == ["model changed"]


def test_tables_that_are_new_or_gone() -> None:
    other = replace(FIRST, name="others")
    diff = compared(replace(BEFORE, tables=[other]))
    told = {
        table.table: [(reasons(part), part.rows.added, part.rows.gone) for part in table.parts] for table in diff.tables
    }
    assert told == {
        "marts.others": [(["table new"], 3, 0), (["table new"], 1, 0)],
        "marts.trips": [(["table gone"], 0, 3), (["table gone"], 0, 1)],
    }


def test_columns_that_are_added_removed_or_of_another_type() -> None:
    old = Made("t", {"all": Rows("select 1 as trip_id, 2 as fare, 'x' as word")}, fields=(), money=())
    new = replace(old, parts={"all": Rows("select 1 as trip_id, 2.0::double as fare, 5 as size")}, fingerprint="second")
    (table,) = compared(Contents([new]), Contents([old])).tables
    assert table.columns == ColumnsDiff(("size",), ("word",), {"fare": ("INTEGER", "DOUBLE")})
    (part,) = table.parts
    # 2 and 2.0 are the same fare.
    assert (part.rows.added, part.rows.gone, part.rows.changed) == (0, 0, 0)
    assert reasons(part) == ["model changed"]


@pytest.mark.parametrize("key", [(), ("word",)], ids=["no key", "a key that is not unique"])
def test_without_a_key_rows_are_counted_as_often_as_they_are_there(key: tuple[str, ...]) -> None:
    def made(*numbers: int) -> Made:
        rows = " union all ".join(f"select 'x' as word, {number} as n, 'l' as load_id" for number in numbers)
        return Made("t", {"all": Rows(rows)}, key=key, money=(), fields=())

    (table,) = compared(Contents([made(1, 1, 2, 5)]), Contents([made(1, 2, 2, 3)]), examples=9).tables
    rows = table.parts[0].rows
    assert (rows.has_key, rows.added, rows.gone, rows.changed) == (False, 2, 2, 0)
    shown = sorted((example.kind, example.row["word"], example.row["n"]) for example in table.examples)
    assert shown == [("added", "x", 1), ("added", "x", 5), ("gone", "x", 2), ("gone", "x", 3)]


@pytest.mark.parametrize(
    ("fingerprint", "is_loaded", "expected"),
    [
        ("first", True, ["inputs changed"]),
        ("second", False, ["model changed"]),
        ("first", False, ["changed by other hands"]),
    ],
)
def test_a_table_that_is_built_whole_is_compared_by_key(fingerprint: str, is_loaded: bool, expected: list[str]) -> None:
    old = Made("d", {"all": Rows("from (values (1, 'a'), (2, null)) as t (id, name)")}, ("id",), (), (), "first", False)
    new = replace(
        old, parts={"all": Rows("from (values (1, 'b'), (2, null)) as t (id, name)")}, fingerprint=fingerprint
    )
    contents = replace(BEFORE, tables=[new])
    part = only_part(
        compared(
            contents.loaded("yellow", "2025-03", "y5", "x") if is_loaded else contents, replace(BEFORE, tables=[old])
        )
    )
    assert (part.partition_key, part.rows.changed, part.rows.columns) == ("all", 1, {"name": 1})
    assert reasons(part) == expected


def test_partitions_in_the_duckdb_file_are_compared_as_those_in_files() -> None:
    small = replace(FIRST, is_in_files=False)
    part = only_part(
        compared(
            replace(BEFORE, tables=[replace(january("y1 weather w1 w1", "y1", "second"), is_in_files=False)]),
            replace(BEFORE, tables=[small]),
        )
    )
    assert (part.partition_key, part.rows.before, part.rows.after, part.rows.changed) == (JANUARY, 3, 3, 1)


def test_a_table_that_is_partitioned_otherwise_is_compared_as_a_whole() -> None:
    whole = Made("trips", {"all": Rows(" union all ".join(rows.sql for rows in FIRST.parts.values()))}, fields=())
    part = only_part(compared(replace(BEFORE, tables=[replace(whole, fingerprint="second")])))
    assert (part.partition_key, part.rows.before, part.rows.after) == ("all", 4, 4)
    assert (part.rows.added, part.rows.gone, part.rows.changed) == (0, 0, 0)


def test_the_same_rows_are_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    old = publish_by_hand(BEFORE, 1)
    publish_by_hand(BEFORE, 2)
    assert main([]) == ExitCode.DONE
    assert "The same rows" in capsys.readouterr().out
    assert main([old.id, old.id]) == ExitCode.DONE
    assert "The same rows" in capsys.readouterr().out


def test_the_ledgers_tell_what_was_loaded_and_which_checks_changed(capsys: pytest.CaptureFixture[str]) -> None:
    def check(name: str, *, passed: bool) -> Check:
        return Check("trips", name, "dbt", "warn", passed, "1", "0")

    before = replace(
        BEFORE, checks=[check("one", passed=True), check("two", passed=False), check("three", passed=False)]
    )
    after = replace(
        BEFORE, checks=[check("one", passed=False), check("two", passed=True), check("three", passed=False)]
    )
    after = after.loaded("yellow", "2025-03", "y5", "x").loaded("yellow", "2025-04", "y6", "x")
    diff = compared(after.loaded("weather", "2025-01", "w9", "x"), before)
    assert [(change.feed, change.period.key, change.what) for change in diff.ledger.feeds] == [
        ("weather", "2025-01", "was replaced"),
        ("yellow", "2025-03", "came"),
        ("yellow", "2025-04", "came"),
    ]
    assert [(change.check, change.passes) for change in diff.ledger.checks] == [("one", False), ("two", True)]
    assert main([]) == 0
    said = capsys.readouterr().out
    assert "yellow: 2025-03 … 2025-04 came" in said
    assert "Checks that fail now:\n  trips: one (dbt, warn)" in said


def test_the_command_says_it_in_words_and_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    rows = ((1, 10.0, "a"), (2, 21.0, "é\x1b[31m\x9b"), (4, 1.25, "d"))
    after = january("y3 weather w1 w1", "y3", "first", *rows)
    publish_by_hand(BEFORE, 1)
    publish_by_hand(replace(BEFORE, tables=[after]).loaded("yellow", "2025-01", "y3", "new"), 2)
    assert main(["--rows", "--table", "trips"]) == ExitCode.DONE
    said = capsys.readouterr().out
    for line in (
        "marts.trips: 1 of 2 partitions differ",
        "  yellow/2025-01: file replaced",
        "    rows 3 → 3: 1 added, 1 gone, 1 changed, 1 only of another load",
        "    fare 30.50 → 32.25 USD (+1.75)",
        "    changed in: fare 1, word 1",
        "  + trip_id=4",
        "  - trip_id=3",
        '  ~ trip_id=2: fare 20.5 → 21.0, word "b" → "é\\u001b[31m\\x9b"',
    ):
        assert line in said.splitlines()
    assert main(["--json", "--rows", "1"]) == ExitCode.DONE
    (table,) = json.loads(capsys.readouterr().out)["tables"]
    (part,) = table["partitions"]
    assert part["reasons"] == [{"cause": "file replaced", "feed": None, "period": None, "text": "file replaced"}]
    assert part["rows"]["changed"] == 1
    assert part["money"] == [{"column": "fare", "before": 30.5, "after": 32.25, "difference": 1.75}]
    assert {example["kind"] for example in table["examples"]} == {"added", "gone", "changed"}


def test_the_default_is_the_release_before_the_current_one(capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = (publish_by_hand(BEFORE, number) for number in (1, 2, 3))
    for arguments, expected in (
        ([], (second, third)),
        ([first.id], (first, third)),
        ([third.id, first.id], (third, first)),
    ):
        assert main([*arguments, "--json"]) == ExitCode.DONE
        said = json.loads(capsys.readouterr().out)
        assert (said["old"], said["new"]) == tuple(release.id for release in expected)


def test_a_withdrawn_release_is_not_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (publish_by_hand(BEFORE, number) for number in (1, 2))
    with Releases().lock():
        Releases().roll_back(first.id)
    assert main([]) == ExitCode.NOT_THERE_YET
    third = publish_by_hand(BEFORE, 3)
    capsys.readouterr()
    assert main(["--json"]) == ExitCode.DONE
    said = json.loads(capsys.readouterr().out)
    assert (said["old"], said["new"]) == (first.id, third.id)
    assert second.id in Releases().withdrawn()


def test_nothing_to_compare_yet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitCode.NOT_THERE_YET
    assert "nyc publish" in capsys.readouterr().err
    publish_by_hand(BEFORE, 1)
    assert main([]) == ExitCode.NOT_THERE_YET
    assert "expected a release before the current one" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["../../etc"], ["20250101T000009Z-0009"], ["--table", "no_such"], ["--table", "x'; drop table y"]],
)
def test_releases_and_tables_that_are_not_there_are_bad_arguments(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2):
        publish_by_hand(BEFORE, number)
    assert main(arguments) == ExitCode.BAD_ARGUMENTS
    said = capsys.readouterr().err
    assert "expected" in said
    assert len(said) < 600
    with pytest.raises(SystemExit) as ended:
        main(["--rows", "-1"])
    assert ended.value.code == ExitCode.BAD_ARGUMENTS


@pytest.mark.parametrize("damage", ["cut", "deleted", "of other columns"])
def test_a_damaged_file_is_named(damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    publish_by_hand(BEFORE, 1)
    new = publish_by_hand(replace(BEFORE, tables=[january("y1 rows 1")]), 2)
    file = new.folder / "tables" / "marts" / "trips" / f"{JANUARY}.parquet"
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-100])
    elif damage == "deleted":
        file.unlink()
    else:
        duckdb.execute(f"copy (select 1 as n) to '{file}'")
    assert main([]) == ExitCode.FAILED
    said = capsys.readouterr().err
    assert said.startswith(str(file))
    assert len(said) < 600 + len(str(file))


def test_a_release_whose_duckdb_file_is_gone_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    old = publish_by_hand(BEFORE, 1)
    publish_by_hand(BEFORE, 2)
    old.database.unlink()
    assert main([]) == ExitCode.FAILED
    assert str(old.database) in capsys.readouterr().err
