"""The pages of mobility on real published files; skipped without the folder REAL_DATA_DIR."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ingestion.run_pipeline import main as load
from tests.dbt.small_warehouse import Warehouse, parsed_project
from tests.portal.browser.driving import Tab
from tests.portal.serving import portal_up
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE
from warehouse.publishing.publish import publish

pytestmark = pytest.mark.skipif("REAL_DATA_DIR" not in os.environ, reason="REAL_DATA_DIR is not set")

MONTH = "2024-01"


@pytest.fixture(scope="module")
def real_port(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a portal on a month of real files and the real polygons of the zones."""
    folder = tmp_path_factory.mktemp("real")
    files = os.environ["REAL_DATA_DIR"]
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", files],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as publisher:
        try:
            assert publisher.stdout
            url = f"http://127.0.0.1:{publisher.stdout.readline().split(' port ')[1].split()[0]}"
            own = {
                DATABASE_VARIABLE: str(folder / "real.duckdb"),
                LOG_FOLDER_VARIABLE: str(folder / "logs"),
                "DBT_TARGET_PATH": str(folder / "target"),
            }
            with pytest.MonkeyPatch.context() as patch:
                for name, value in own.items():
                    patch.setenv(name, value)
                patch.setenv("SOURCES__TLC__BASE_URL", f"{url}/trip-data")
                patch.setenv("SOURCES__CITIBIKE__BASE_URL", f"{url}/tripdata")
                _make(folder)
        finally:
            publisher.kill()
    with portal_up(own) as port:
        yield port


def _make(folder: Path) -> None:
    assert load(["--from", MONTH, "--to", MONTH, "--sources", "green,citibike_jc"]) == 0
    assert load(["--sources", "taxi_zones"]) == 0
    warehouse = Warehouse(folder / "real.duckdb", folder, parsed_project())
    # dbt's tests see real files in `tests/end_to_end`.
    built = warehouse.dbt("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    assert built.success, warehouse.said
    publish()


def test_the_pages_of_mobility_show_real_files(browser: Browser, real_port: int) -> None:
    tab = Tab(browser, real_port)
    for path, said in (
        ("overview", ("107 k",)),
        ("demand", ("107 k", "Jan 2024", "No weather is loaded")),
        ("map", ("Pickups by zone", "Jan 2024")),
        ("weather", ("nyc load",)),
        ("health", ("Gaps",)),
    ):
        for width in (1280, 400):
            tab.page.set_viewport_size({"width": width, "height": 900})
            tab.open(path)
            for words in said:
                assert words in tab.main_text()
            assert tab.faults() == []
            assert tab.too_wide() == []
            tab.screenshot(f"real-{path}-{width}")
    tab.open("map")
    # East Harlem North has most trips of green taxis.
    assert tab.cells()[0] == "East Harlem North"
    # Zones 57, 104 and 105 are not in the shape file; 56 and 103 are in it several times.
    drawn = tab.page.locator(".js-plotly-plot").evaluate("({data}) => data[0].locations.length")
    assert drawn == 263 - 3
    tab.close()
