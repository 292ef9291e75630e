"""What one person sees: pages of the portal, drawn in Chromium, without a window."""

import os
import shutil
import time
from collections.abc import Sequence

# The path of the browser, where it is not found by its name.
CHROMIUM_VARIABLE = "CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome")

_PATIENCE_MILLISECONDS = 120_000

# The server is done, and every chart has its drawing.
_IS_DRAWN = """() => {
    const app = document.querySelector("[data-testid=stApp]")
    return app?.dataset.testScriptState === "notRunning"
        && document.querySelector("h1")
        && !document.querySelector("[data-testid=stSkeleton], [data-stale=true]")
        && [...document.querySelectorAll("[data-testid=stPlotlyChart]")].every(one => one.querySelector(".main-svg"))
}"""


def find_chromium() -> str | None:
    """The path of the browser, if there is one."""
    return os.environ.get(CHROMIUM_VARIABLE) or next(filter(None, map(shutil.which, _NAMES)), None)


def seconds_until_drawn(chromium: str, port: int, paths: Sequence[str]) -> list[float]:
    """How long each page takes from its address until all of it is drawn, one after the other in one tab.

    The first page of all is opened before, so that Streamlit's own code is there.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(_PATIENCE_MILLISECONDS)
        seconds = []
        for path in ("", *paths):
            begun = time.perf_counter()
            page.goto(f"http://localhost:{port}/{path}")
            page.wait_for_function(_IS_DRAWN)
            seconds.append(time.perf_counter() - begun)
        browser.close()
    return seconds[1:]
