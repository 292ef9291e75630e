"""The site as it is built: strictly, whole, without a link that leads nowhere, and without a request to elsewhere."""

import os
import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from playwright.sync_api import Page, sync_playwright

from cli.examples import all_examples
from docs.hooks.reference.settings import settings
from ingestion.catalog import FEEDS
from monitoring.runbooks import Runbook
from quality.suites import SUITES
from tests.portal.browser.driving import PATIENCE_MILLISECONDS, chromium
from warehouse.paths import PROJECT_ROOT


@dataclass
class Html(HTMLParser):
    """What a page asks for, where its links lead, and its anchors."""

    links: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    depth: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif "href" in values:
            self.asked.append(values["href"])
        self.asked += [values[name] for name in ("src", "srcset", "poster") if name in values]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` does."""
    folder = tmp_path_factory.mktemp("site")
    command: list[str | Path] = [Path(sys.executable).with_name("mkdocs"), "build", "--site-dir", folder]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Html]:
    """Each page by its path."""
    found = {}
    for path in site.rglob("*.html"):
        found[path.relative_to(site).as_posix()] = page = Html()
        page.feed(path.read_text())
    return found


def test_links_lead_to_files_and_anchors_that_are_there(site: Path, pages: dict[str, Html]) -> None:
    dead = []
    for path, page in pages.items():
        # Its addresses begin at the root of a server.
        if path == "404.html":
            continue
        for link in page.links + page.asked:
            address, fragment = urldefrag(link)
            if urlsplit(address).scheme:
                continue
            to = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(address))) if address else path
            is_there = (site / to).is_file()
            has_anchor = not fragment or fragment.startswith("__") or to not in pages or fragment in pages[to].anchors
            if not (is_there and has_anchor):
                dead.append(f"{path}: {link}")
    assert dead == []


def test_pages_ask_nobody_else(pages: dict[str, Html]) -> None:
    asked = {address for page in pages.values() for address in page.asked if urlsplit(address).netloc}
    assert asked == set()


def test_style_sheets_ask_nobody_else(site: Path) -> None:
    asked = {
        address
        for path in site.rglob("*.css")
        for address in re.findall(r"url\(\s*[\"']?([^\"')]+)", path.read_text())
        if urlsplit(address).netloc
    }
    assert asked == set()


def test_the_menu_is_no_deeper_than_three(site: Path) -> None:
    levels = set(re.findall(r'data-md-level="(\d)"', (site / "reference/commands/index.html").read_text()))
    assert levels <= {"0", "1", "2"}


@pytest.mark.parametrize("page", ["commands", "settings", "feeds", "expectations", "metrics", "ledger", "dagster"])
def test_the_reference_has_everything(page: str, site: Path) -> None:
    words = unescape(re.sub("<[^>]*>", "\n", (site / f"reference/{page}/index.html").read_text()))
    expected = {
        "commands": {f"nyc {command}" for command in all_examples() if command not in ("nyc", "metrics")},
        "settings": {one.name for block in settings()[1] for one in block},
        "feeds": set(FEEDS),
        "expectations": {suite.name for suite in SUITES} | {one.name for suite in SUITES for one in suite.expectations},
        "metrics": set(re.findall(r"- name: (\w+)\n    label", _metric_files())),
        "ledger": {"meta.ingestion_runs", "meta.accepted_gaps", "meta.migrations", "raw_data.stream_rejects"},
        "dagster": {"daily_dbt_build_job", "daily_dbt_build", "publication_sensor", "alert_sensor"},
    }[page]
    assert expected
    assert {one for one in expected if f"\n{one}" not in words} == set()


def _metric_files() -> str:
    return "".join(path.read_text() for path in (PROJECT_ROOT / "dbt/models/semantic").rglob("metrics/*.yml"))


def test_every_model_has_its_place(site: Path) -> None:
    written = {path.stem for path in (PROJECT_ROOT / "dbt/models").rglob("*.sql")}
    shown = "".join(path.read_text() for path in (site / "reference/models").rglob("*.html"))
    assert {model for model in written if f'id="{model}"' not in shown} == set()


def test_settings_know_each_variable_of_the_example() -> None:
    written = re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", (PROJECT_ROOT / ".env.example").read_text(), re.MULTILINE)
    assert [one.name for block in settings()[1] for one in block] == written


@pytest.mark.parametrize("runbook", Runbook)
def test_alerts_lead_to_a_page(runbook: Runbook, site: Path) -> None:
    assert (site / urlsplit(runbook.url).path.lstrip("/") / "index.html").is_file()


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    """A tab that knows no other page."""
    path = chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, timeout=PATIENCE_MILLISECONDS)
        yield opened.new_page(viewport={"width": 390, "height": 800})
        opened.close()


def test_search_works_from_a_folder_and_nobody_is_asked(browser: Page, site: Path) -> None:
    browser.set_default_timeout(PATIENCE_MILLISECONDS)
    asked: list[str] = []
    errors: list[str] = []
    browser.on("request", lambda request: asked.append(request.url))
    browser.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    browser.on("pageerror", lambda error: errors.append(str(error)))
    browser.goto(f"{site.as_uri()}/index.html")
    browser.locator("label[for=__search]").first.click()
    browser.locator(".md-search__input").press_sequentially("quarantine")
    found = browser.locator(".md-search-result__link").first
    found.wait_for()
    found.click()
    browser.wait_for_url("**/index.html*")
    assert browser.locator("h1").count() == 1
    assert browser.evaluate("document.documentElement.scrollWidth") == 390
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))] == []
    assert errors == []
