"""The pages of mobility on real published files; skipped without the folder REAL_DATA_DIR."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.portal.browser.driving import Tab
from tests.portal.serving import portal_up
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE, PROJECT_ROOT

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
            environment = {
                DATABASE_VARIABLE: str(folder / "real.duckdb"),
                LOG_FOLDER_VARIABLE: str(folder / "logs"),
                "DBT_TARGET_PATH": str(folder / "target"),
                "SOURCES__TLC__BASE_URL": f"{url}/trip-data",
                "SOURCES__CITIBIKE__BASE_URL": f"{url}/tripdata",
            }
            _run(environment, "load", "--from", MONTH, "--to", MONTH, "--sources", "green,citibike_jc")
            _run(environment, "load", "--sources", "taxi_zones")
        finally:
            publisher.kill()
    _run(environment, "build")
    _run(environment, "publish")
    with portal_up(environment) as port:
        yield port


def _run(environment: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=PROJECT_ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


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
