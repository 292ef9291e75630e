"""Real publications compared: what changed and why, row for row, against the rows of both releases."""

import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from dbt.artifacts.resources.types import NodeType

from tests.dbt.every_table import fill_every_table
from tests.dbt.small_warehouse import (
    DBT_DIRECTORY,
    FEBRUARY,
    JANUARY,
    OTHER_SUBJECTS,
    Warehouse,
    keep_parsed_project,
    yellow_month,
)
from warehouse.publishing.project import read_project
from warehouse.publishing.publish import publish
from warehouse.releases import Release, open_release
from warehouse.releases.diff import ReleaseDiff, compare
from warehouse.sql import identifier

TRIPS, REJECTED, HOURLY = "core_core.fct_trips", "core_core.quarantined_trips", "core_core.fct_hourly_mobility"

Key = tuple[Any, ...]


@pytest.fixture
def built(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """The warehouse that tests share, with a copy of the project, to change its models."""
    project = shutil.copytree(DBT_DIRECTORY, tmp_path / "dbt", ignore=shutil.ignore_patterns("target", "logs"))
    copied = Warehouse(warehouse.path, tmp_path, project=project)
    keep_parsed_project(tmp_path / "target")
    # Views as well, for they may be changed.
    copied._loads, copied.left_out = warehouse._loads, OTHER_SUBJECTS
    # Until then it need not be read.
    copied.manifest = warehouse.manifest
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    monkeypatch.setenv("PUBLISHED_FOLDER", str(tmp_path / "published"))
    return copied


def published(built: Warehouse, *arguments: str) -> Release:
    # Tests were run when the warehouse was made, and take most of the time.
    built.build(*arguments)
    done = publish()
    assert done.is_new
    return done.release


def edit(built: Warehouse, model: str, old: str, new: str) -> None:
    path = built.project / "models" / f"{model}.sql"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    built.manifest = None


def told(diff: ReleaseDiff, table: str) -> dict[str, list[str]]:
    """The reasons by partition."""
    found = {each.table: each for each in diff.tables}
    return {part.partition_key: [str(why) for why in part.reasons] for part in found[table].parts}


def rows_by_key(release: Release) -> Mapping[str, dict[Key, dict[str, Any]]]:
    """All rows of all tables, but for the load that they are of, read through the release's own views and tables."""
    found = {}
    with open_release(release) as connection:
        for table in release.tables:
            result = connection.execute(f"from {identifier(table.schema, table.name)}")
            names = [column[0] for column in result.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
            found[table.full_name] = {tuple(row[name] for name in table.key or names): row for row in rows}
            assert len(found[table.full_name]) == len(rows), f"{table.full_name}: its key is not unique"
    return found


def assert_is_what_differs(diff: ReleaseDiff, old: Release, new: Release) -> None:
    """Compare what is told with every row of both releases."""
    before, after = rows_by_key(old), rows_by_key(new)
    assert before.keys() == after.keys()
    by_name = {table.table: table for table in diff.tables}
    for table in new.tables:
        rows_before, rows_after = before[table.full_name], after[table.full_name]
        expected = {
            "added": rows_after.keys() - rows_before.keys(),
            "gone": rows_before.keys() - rows_after.keys(),
            "changed": {
                key
                for key in rows_before.keys() & rows_after.keys()
                if _values(rows_before[key]) != _values(rows_after[key])
            },
        }
        differs = rows_before != rows_after
        assert (table.full_name in by_name) == differs, table.full_name
        if not differs:
            continue
        found = by_name[table.full_name]
        counted = Counter[str]()
        shown: dict[str, set[Key]] = {kind: set() for kind in expected}
        for part in found.parts:
            counted += Counter(added=part.rows.added, gone=part.rows.gone, changed=part.rows.changed)
        for example in found.examples:
            shown[example.kind].add(tuple(example.row.values()))
            if example.kind == "changed":
                key = tuple(example.row.values())
                one, other = rows_before[key], rows_after[key]
                assert example.values == {
                    name: (one[name], other[name]) for name in one if name != "load_id" and one[name] != other[name]
                }
        assert counted == Counter({kind: len(keys) for kind, keys in expected.items()}), table.full_name
        assert shown == expected, table.full_name
        for name in table.money:
            difference = sum(money.difference for part in found.parts for money in part.money if money.column == name)
            assert difference == pytest.approx(_sum(rows_after, name) - _sum(rows_before, name))


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "load_id"}


def _sum(rows: Mapping[Key, Mapping[str, Any]], name: str) -> float:
    return sum(row[name] or 0 for row in rows.values())


def compared(old: Release, new: Release) -> ReleaseDiff:
    diff = compare(old, new, examples=100_000)
    assert_is_what_differs(diff, old, new)
    return diff


def test_what_changed_is_told_row_for_row_with_its_reason(built: Warehouse) -> None:
    releases = [published(built)]

    # A file is replaced: one trip costs more, and one is there no longer.
    built.load("yellow", JANUARY, yellow_month(JANUARY, total=21.5)[:3])
    built.execute("update meta.asset_watermarks set etag = 'new' where asset = 'yellow' and partition_key = '2025-01'")
    releases.append(published(built))
    diff = compared(*releases[-2:])
    assert told(diff, TRIPS) == {"yellow/2025-01": ["file replaced"]}
    assert told(diff, REJECTED) == {"yellow/2025-01": ["file replaced"]}
    assert told(diff, HOURLY) == {"2025-01": ["yellow 2025-01 was replaced"]}
    (trips,) = [table.parts[0] for table in diff.tables if table.table == TRIPS]
    assert (trips.rows.changed, trips.rows.reloaded) == (1, 2)
    assert {money.column: money.difference for money in trips.money if money.difference} == {"total_amount": 1.5}

    # The weather of February comes later: a trip of March's file began in it.
    built.load_weather(FEBRUARY, temperature=-3)
    releases.append(published(built))
    diff = compared(*releases[-2:])
    assert told(diff, TRIPS) == {"yellow/2025-03": ["weather 2025-02 came later"]}
    assert told(diff, "core_core.dim_weather") == {"all": ["inputs changed"]}
    assert [(change.feed, change.period.key, change.what) for change in diff.ledger.feeds] == [
        ("weather", "2025-02", "came")
    ]

    # A model: all charges are a dollar more.
    edit(built, "marts/mobility/fct_trips", "kept.total_amount,", "kept.total_amount + 1 as total_amount,")
    releases.append(published(built, "--full-refresh"))
    diff = compared(*releases[-2:])
    assert told(diff, TRIPS) == {"yellow/2025-01": ["model changed"], "yellow/2025-03": ["model changed"]}
    assert set(map(tuple, told(diff, HOURLY).values())) == {("model changed",)}
    assert "core_core.dim_weather" not in {table.table for table in diff.tables}

    # A rule of the quarantine: rides of ten minutes cannot be trips.
    edit(
        built,
        "intermediate/mobility/int_trips",
        "when trip_duration_minutes < 0 then",
        "when trip_duration_minutes < 0 or trip_duration_minutes = 10 then",
    )
    releases.append(published(built, "--full-refresh"))
    diff = compared(*releases[-2:])
    assert told(diff, REJECTED)["citibike/2025-01"] == ["model changed"]
    gone = {row.partition_key: row.rows.gone for table in diff.tables if table.table == TRIPS for row in table.parts}
    added = {
        row.partition_key: row.rows.added for table in diff.tables if table.table == REJECTED for row in table.parts
    }
    assert (
        gone == added == dict.fromkeys(("citibike/2025-01", "citibike/2025-03", "yellow/2025-01", "yellow/2025-03"), 1)
    )

    # Across all of it: every reason is told.
    diff = compared(releases[0], releases[-1])
    assert told(diff, TRIPS)["yellow/2025-01"] == ["file replaced", "weather 2025-02 came later", "model changed"]


def test_every_published_table_has_a_key_that_is_unique_and_not_null(built: Warehouse) -> None:
    fill_every_table(built)
    release = published(built)
    models = {model.full_name: model for model in read_project().models}
    with open_release(release) as connection:
        for table in release.tables:
            # What a test keeps of failures is for people to read.
            if models[table.full_name].is_optional:
                continue
            assert table.key, f"{table.full_name}: declare `key` in its meta, or test a column to be unique"
            names = ", ".join(map(identifier, table.key))
            is_null = " or ".join(f"{identifier(name)} is null" for name in table.key)
            relation = identifier(table.schema, table.name)
            ((rows, keys, missing),) = connection.execute(
                f"select count(*), (select count(*) from (select distinct {names} from {relation})),"
                f" count_if({is_null}) from {relation}"
            ).fetchall()
            assert (keys, missing) == (rows, 0), table.full_name
            assert rows, table.full_name


def test_columns_in_us_dollars_say_so(warehouse: Warehouse) -> None:
    assert warehouse.manifest
    marts = [
        node
        for node in warehouse.manifest.nodes.values()
        if "marts" in node.fqn and node.resource_type is NodeType.Model
    ]
    described = {
        (mart.name, name) for mart in marts for name, column in mart.columns.items() if "USD" in column.description
    }
    declared = {
        (mart.name, name)
        for mart in marts
        for name, column in mart.columns.items()
        if column.config.meta.get("unit") == "USD"
    }
    assert described == declared
    assert described
