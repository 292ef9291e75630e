"""A browser tab that looks at a portal, and notes requests, errors, dialogs and runs of the page."""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, Response, WebSocket
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

# The path of the browser, where it is not found by its name.
CHROMIUM_VARIABLE = "CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome")

# Where screenshots go, to be looked at; without it nobody keeps them.
SCREENSHOTS_VARIABLE = "PORTAL_SCREENSHOTS"

# A busy machine may need a minute for a page. No test is about time.
PATIENCE_MILLISECONDS = 120_000

Scheme = Literal["light", "dark"]

_IS_DRAWN = """() => {
    const app = document.querySelector("[data-testid=stApp]")
    return app?.dataset.testScriptState === "notRunning"
        && document.querySelector("h1")
        && !document.querySelector("[data-testid=stSkeleton], [data-stale=true]")
        && [...document.querySelectorAll("[data-testid=stPlotlyChart]")].every(chart =>
            chart.querySelector(".main-svg")
            && [...chart.querySelectorAll(".js-plotly-plot")].every(
                ({_fullLayout: layout}) => !layout?.map || layout.map._subplot?.map?.loaded()))
}"""

# What is wider than its place, so that a part of it cannot be seen or the page moves sideways.
_TOO_WIDE = """() => [
    document.documentElement,
    ...document.querySelectorAll("[data-testid=stMain], [data-testid=stMainBlockContainer]"),
].filter(one => one.scrollWidth > one.clientWidth + 1)
    .map(one => `${one.dataset.testid ?? "page"}: ${one.scrollWidth} in ${one.clientWidth}`)
.concat([...document.querySelectorAll("[data-testid=stMain] [data-testid=stElementContainer]")]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
    .map(one => `beyond the edge: ${one.innerText.slice(0, 80) || one.className}`))"""


def chromium() -> str:
    """The path of the browser. Skips the test where there is none."""
    path = os.environ.get(CHROMIUM_VARIABLE) or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip(f"no Chromium: install it, such as by apt install chromium, or set {CHROMIUM_VARIABLE} to its path")
    return path


class Tab:
    """A tab that looks at a portal of this machine."""

    def __init__(self, browser: Browser, port: int, *, width: int = 1280, scheme: Scheme = "light") -> None:
        self.portal = f"http://127.0.0.1:{port}"
        # One for all: it keeps Streamlit's and Plotly's code, which takes two seconds to read.
        self.context = browser.contexts[0] if browser.contexts else browser.new_context()
        self.requested: list[str] = []
        self.errors: list[str] = []
        self.dialogs: list[str] = []
        self._runs = 0
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MILLISECONDS)
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)
        self.page.on("request", self._on_request)
        self.page.on("response", self._on_response)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        self.page.on("dialog", self._on_dialog)
        self.page.on("popup", lambda other: self.errors.append(f"opened another window: {other.url}"))
        self.page.on("websocket", self._on_websocket)

    def close(self) -> None:
        """Close the tab."""
        self.page.close()

    def open(self, path: str, address: Mapping[str, str] | None = None) -> None:
        """Open a page by its address, and wait until all of it is drawn."""
        self.page.goto(f"{self.portal}/{path}" + (f"?{urlencode(address)}" if address else ""))
        self.wait_until_drawn()

    def change_address(self, path: str, address: Mapping[str, str]) -> None:
        """Go to an address as the buttons `back` and `forward` do: without loading everything anew."""
        to = f"/{path}" + (f"?{urlencode(address)}" if address else "")
        go = "to => { history.pushState({}, '', to); dispatchEvent(new PopStateEvent('popstate')) }"
        self.let_run(lambda: self.page.evaluate(go, to))

    def visit(self, path: str, address: Mapping[str, str] | None = None) -> None:
        """Go to a page as from another one, or open it where there is none yet."""
        if not self.page.url.startswith(self.portal):
            self.open(path, address)
        else:
            self.change_address(path, address or {})

    def let_run(self, act: Callable[[], object]) -> None:
        """Do something that makes the server draw the page again, and wait until it is drawn."""
        before = self._runs
        act()
        self.wait_for(lambda: self._runs > before)
        self.wait_until_drawn()

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds that only this process knows."""
        until = time.monotonic() + PATIENCE_MILLISECONDS / 1000
        while time.monotonic() < until:
            if holds():
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"waited in vain; the page shows: {self.text()[:2000]}")

    def wait_until_drawn(self) -> None:
        """Wait until the server is done and everything is drawn, charts and maps included."""
        # Not at each frame: then Chromium draws all the time.
        self.page.wait_for_function(_IS_DRAWN, polling=50)

    @property
    def address(self) -> dict[str, str]:
        """What stands after the `?`."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).query).items()}

    def text(self) -> str:
        """All that is written on the page, the menu included."""
        return self.page.inner_text("body")

    def main_text(self) -> str:
        """What is written on the page itself, without menu and sidebar."""
        return self.page.get_by_test_id("stMain").inner_text()

    def cells(self) -> list[str]:
        """What the first table shows, row by row, as it tells those who do not see it: a moment after it is drawn."""
        cells = self.page.get_by_test_id("stDataFrame").first.locator("td")
        cells.first.wait_for(state="attached")
        return cells.all_text_contents()

    def too_wide(self) -> list[str]:
        """What needs more width than there is."""
        found: list[str] = self.page.evaluate(_TOO_WIDE)
        return found

    def requests_elsewhere(self) -> list[str]:
        """Requests to any other host. What is in the page itself, as `data:` and `blob:` are, asks nobody."""
        own = (f"{self.portal}/", self.portal.replace("http", "ws") + "/", "data:", "blob:")
        return [url for url in self.requested if not url.startswith(own)]

    def faults(self) -> list[str]:
        """What went wrong so far: errors in the browser or on the page, requests to other hosts, dialogs."""
        boxes = self.page.locator("[data-testid=stException]").all_inner_texts()
        failed = ["the page failed"] if "This page failed" in self.text() else []
        return [*self.errors, *self.requests_elsewhere(), *self.dialogs, *boxes, *failed]

    def screenshot(self, name: str) -> None:
        """Keep a picture of the window, if somebody wants to look at it."""
        if folder := os.environ.get(SCREENSHOTS_VARIABLE):
            self.page.screenshot(path=Path(folder) / f"{name}.png")

    def _on_request(self, request: Request) -> None:
        self.requested.append(request.url)

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.errors.append(f"{response.status} {response.url[:200]}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"console: {message.text[:500]}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _on_websocket(self, socket: WebSocket) -> None:
        self.requested.append(socket.url)
        socket.on("framereceived", self._on_frame)

    def _on_frame(self, frame: bytes | str) -> None:
        if isinstance(frame, bytes):
            message = ForwardMsg.FromString(frame)
            # Runs of fragments, such as the look for a newer release, count for nothing.
            if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY and message.HasField("script_finished"):
                self._runs += 1
