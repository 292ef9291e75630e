"""Take the photographs of the README: `make photographs`. Not part of the test suite, which takes none."""

import os
import subprocess
import sys
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import portal
from tests.portal.browser.driving import Scheme, Tab
from tests.portal.serving import portal_up
from warehouse.ledger import utc_now
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE, PROJECT_ROOT

FOLDER = Path(portal.__file__).with_name("photographs")

# They are in git: each must be small.
MOST_BYTES = 150_000

MONTHS, ROWS = 14, 80_000

# Up to a month that all publishers have by now. Then comes what some have of later months.
_TODAY = utc_now().date()
_LAST = 12 * _TODAY.year + _TODAY.month - 1 - 3
FIRST_MONTH, LAST_MONTH = (f"{month // 12}-{month % 12 + 1:02}" for month in (_LAST - MONTHS + 1, _LAST))


@dataclass(frozen=True)
class Photograph:
    """A page with its address, by day or by night, in a window of this height in pixels."""

    page: str
    address: dict[str, str] = field(default_factory=dict)
    scheme: Scheme = "light"
    height: int = 900


# By the name of the file.
PHOTOGRAPHS = {
    "overview": Photograph("overview"),
    "map": Photograph("map", height=1060),
    # Without the few trips of the months before and after.
    "explorer": Photograph(
        "metrics",
        {
            "metrics": "total_trips",
            "by": "metric_time__month,trip__trip_type",
            "start": f"{FIRST_MONTH}-01",
            "end": f"{LAST_MONTH}-{monthrange(_LAST // 12, _LAST % 12 + 1)[1]}",
        },
        "dark",
    ),
    "health": Photograph("health"),
}


@pytest.fixture(scope="module")
def rich_port(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a portal on more than a year of sample data."""
    folder = tmp_path_factory.mktemp("photographs")
    environment = {
        DATABASE_VARIABLE: str(folder / "nyc_mobility.duckdb"),
        LOG_FOLDER_VARIABLE: str(folder / "logs"),
        "DBT_TARGET_PATH": str(folder / "target"),
    }
    line = f"make --no-print-directory line FROM={FIRST_MONTH} TO={LAST_MONTH}"
    rest = "nyc gaps --fill && nyc build && nyc check --no-docs && nyc publish"
    months = [f"--from={FIRST_MONTH}", f"--to={_TODAY:%Y-%m}"]
    sandbox = ["sandbox", "run", "--port=0", *months, f"--rows={ROWS}", "--", "sh", "-c", f"{line} && {rest}"]
    subprocess.run([sys.executable, "-m", "cli", *sandbox], cwd=PROJECT_ROOT, env=os.environ | environment, check=True)
    with portal_up(environment) as port:
        yield port


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photograph(name: str, browser: Browser, rich_port: int) -> None:
    photograph = PHOTOGRAPHS[name]
    tab = Tab(browser, rich_port, scheme=photograph.scheme)
    tab.page.set_viewport_size({"width": 1280, "height": photograph.height})
    tab.open(photograph.page, photograph.address)
    assert tab.faults() == []
    picture = tab.page.screenshot()
    assert len(picture) <= MOST_BYTES
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.png").write_bytes(picture)
    tab.close()
