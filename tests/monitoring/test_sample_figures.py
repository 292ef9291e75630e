"""The figures of a warehouse that was really loaded, built and published equal plain SQL on it."""

import subprocess
from collections.abc import Iterator

import duckdb
import pytest

from monitoring.sources import Sources, all_sources
from tests.monitoring.reading import needs_promtool, text_of, values
from tests.portal.conftest import Sample

# Name, and SQL with the labels in the order of their names.
EQUAL = {
    "nyc_feed_loaded_rows": """
        select asset, sum(rows) from meta.asset_watermarks where source_url is not null group by asset
    """,
    "nyc_feed_rows": """
        unpivot (
            select
                feed,
                sum(published) as published,
                sum(kept) as kept,
                sum(quarantined) as quarantined,
                sum(not_built) as not_built,
                sum(lost) as lost
            from core_checks.reconciliation
            group by feed
        )
        on columns(* exclude feed)
    """,
    "nyc_feed_quarantined_ratio": """
        select feed, sum(quarantined) / sum(kept + quarantined)
        from core_checks.reconciliation
        group by feed
        having sum(kept + quarantined) > 0
    """,
    "nyc_run_last_failed": "select kind, 0 from meta.ingestion_runs group by kind",
}


@pytest.fixture
def sources(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sources]:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    assert sample.database.exists()
    found = all_sources()
    found.refresh()
    yield found
    found.stop()


@pytest.fixture
def text(sources: Sources) -> str:
    return text_of(sources)


@pytest.fixture
def working_file(sample: Sample) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(sample.database), read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("name", EQUAL)
def test_figures_equal_plain_sql(name: str, text: str, working_file: duckdb.DuckDBPyConnection) -> None:
    rows = working_file.execute(EQUAL[name]).fetchall()
    expected = {tuple(row[:-1]): pytest.approx(float(row[-1])) for row in rows}
    assert expected
    assert values(text, name) == expected


def test_tables_equal_those_of_the_working_file(text: str, working_file: duckdb.DuckDBPyConnection) -> None:
    found = {name: rows for (name,), rows in values(text, "nyc_table_rows").items()}
    tables = working_file.execute("select schema_name, table_name from duckdb_tables() where schema_name like 'core%'")
    compared = 0
    for schema, table in tables.fetchall():
        if table in found:
            count = working_file.execute(f'select count(*) from "{schema}"."{table}"').fetchall()[0][0]
            assert found[table] == count, table
            compared += 1
    assert compared > 10


def test_the_release_equals_its_description(text: str, sample: Sample) -> None:
    current = sample.releases().current()
    assert current
    assert values(text, "nyc_release_rows") == {(): sum(table.rows for table in current.tables)}
    assert values(text, "nyc_releases") == {(): 2}
    assert values(text, "nyc_release_behind") == {(): 0}


def test_every_source_is_up_and_fresh(text: str) -> None:
    assert values(text, "nyc_source_up") == {(name,): 1 for name in ("ledger", "releases", "disks")}
    assert max(values(text, "nyc_source_age_seconds").values()) < 60


@needs_promtool
def test_promtool_finds_nothing_wrong_with_the_figures(text: str) -> None:
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
