"""The first page and that of the releases: what they show equals SQL on the release, and is shown as it is."""

import duckdb
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.portal.browsing import open_page, texts
from tests.portal.conftest import Sample
from warehouse.releases import Release, open_release
from warehouse.releases.diff import compare

HOSTILE = (
    "'; drop table core_core.fct_trips; --",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "x" * 1_000_000,
)


@pytest.fixture
def overview(sample: Sample) -> AppTest:
    page = open_page("overview")
    assert not page.exception
    return page


def table(page: AppTest, column: str) -> pd.DataFrame:
    """The table on a page that has a column."""
    (found,) = (element.value for element in page.dataframe if column in element.value.columns)
    return found


def test_it_shows_what_is_loaded_up_to_when(overview: AppTest, connection: duckdb.DuckDBPyConnection) -> None:
    shown = table(overview, "up_to").set_index("feed")
    expected = connection.execute(
        """
        select
            asset,
            max(partition_key) as up_to,
            count(*) as periods,
            max(updated_at) as loaded_at
        from meta.asset_watermarks
        where source_url is not null
        group by asset
        """
    ).fetchall()
    assert len(expected) == len(shown) > 5
    for feed, up_to, periods, loaded_at in expected:
        assert tuple(shown.loc[feed, ["up_to", "periods", "loaded_at"]]) == (up_to, periods, loaded_at)


def test_the_subject_that_is_loaded_comes_first(overview: AppTest) -> None:
    headers = [header.value for header in overview.header]
    assert headers.index("Mobility") < headers.index("Markets")


def test_it_counts_rows_as_the_facts_have_them(overview: AppTest, connection: duckdb.DuckDBPyConnection) -> None:
    shown = table(overview, "up_to").set_index("feed")
    for fact, column in (("fct_trips", "kept"), ("quarantined_trips", "quarantined")):
        for feed, rows in connection.execute(f"select feed, count(*) from core_core.{fact} group by feed").fetchall():
            assert shown.loc[feed, column] == rows
    ((hours,),) = connection.execute("select count(*) from core_core.dim_weather where has_weather").fetchall()
    assert shown.loc["weather", "kept"] == hours
    assert not shown.lost.any()


def test_its_figures_are_the_rows_and_checks_of_the_release(
    overview: AppTest, release: Release, connection: duckdb.DuckDBPyConnection
) -> None:
    ((trips,),) = connection.execute("select count(*) from core_core.fct_trips").fetchall()
    figures = {metric.label: (metric.value, metric.help) for metric in overview.metric}
    assert figures["Trips"] == (f"{trips / 1000:.3g} k", f"{trips:,} rows")
    passed, warned = release.checks["passed"], release.checks["warned"]
    assert figures["Checks passed"][0] == f"{passed} of {passed + warned}"


def test_it_shows_what_changed_as_nyc_diff_does(overview: AppTest, sample: Sample) -> None:
    old, new = sample.releases().all()
    shown = table(overview, "why").set_index("table")
    expected = {each.table: each for each in compare(old, new).tables}
    assert 0 < len(shown) <= len(expected)
    for name, row in shown.iterrows():
        parts = expected[str(name)].parts
        before, after = old.table(str(name)), new.table(str(name))
        assert before
        assert after
        assert (row["rows before"], row["rows after"], row.partitions) == (before.rows, after.rows, len(parts))
        assert str(parts[0].reasons[0]) in row.why
    (loaded,) = [line for line in texts(overview).replace("\\", "").splitlines() if line.startswith("2025-03 came: ")]
    assert "yellow" in loaded


def test_the_releases_are_listed_with_their_state(sample: Sample) -> None:
    old, new = sample.releases().all()
    shown = table(open_page("releases"), "state").set_index("release")
    assert list(shown.index) == [new.id, old.id]
    assert list(shown.state) == ["current, shown here", ""]
    assert list(shown.rows) == [sum(each.rows for each in release.tables) for release in (new, old)]
    on_disk = sum(file.stat().st_size for file in (*new.folder.rglob("*.parquet"), new.database))
    assert shown.megabytes[new.id] * 1e6 == pytest.approx(on_disk)


def test_a_person_can_look_at_an_older_release(sample: Sample) -> None:
    old, _ = sample.releases().all()
    page = open_page("releases")
    next(button for button in page.button if button.label == "Look at it").click().run()
    shown = table(page, "state").set_index("release")
    assert list(shown.state) == ["current", "shown here"]
    assert "There is a newer release." in texts(page)
    assert old.id in page.sidebar.caption[0].value.replace("\\", "")


def test_two_releases_are_compared_by_the_address(sample: Sample) -> None:
    old, new = sample.releases().all()
    page = open_page("releases", {"old": new.id, "new": old.id})
    assert f"nyc diff {new.id} {old.id}" in texts(page)
    shown = table(page, "why").set_index("table")
    assert shown.difference["core_core.fct_trips"] == trips_of(old) - trips_of(new)
    assert "All tables have the same rows." in texts(open_page("releases", {"old": new.id, "new": new.id}))


def trips_of(release: Release) -> int:
    with open_release(release) as connection:
        ((count,),) = connection.execute("select count(*) from core_core.fct_trips").fetchall()
    return int(count)


@pytest.mark.parametrize("text", HOSTILE, ids=["sql", "markup", "link", "long"])
def test_what_a_person_writes_into_the_address_goes_no_further(sample: Sample, text: str) -> None:
    page = open_page("releases", {"old": text, "new": text})
    assert not page.exception
    assert text[:100] not in texts(page)
    old, new = sample.releases().all()
    assert f"nyc diff {old.id} {new.id}" in texts(page)
