"""Links between files of the repository become links between pages, and text never becomes markup."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.hooks.addresses import address, destination
from docs.hooks.links import DeadLinkError, rewritten, with_wide_lists
from docs.hooks.markup import code, fence, table, text

PAGES = {
    "README.md": "start.md",
    "warehouse": "parts/warehouse.md",
    "warehouse/README.md": "parts/warehouse.md",
    ".env.example": "reference/settings.md",
    "docs/operations/index.md": "operations/index.md",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in ("dbt/seeds/events.csv", "portal/pictures/map.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("file", "page", "written", "shown"),
    [
        ("README.md", "start.md", "[it](warehouse/)", "[it](parts/warehouse.md)"),
        ("README.md", "start.md", "[`it`](warehouse/README.md#locks)", "[`it`](parts/warehouse.md#locks)"),
        ("warehouse/README.md", "parts/warehouse.md", "[it](../.env.example)", "[it](../reference/settings.md)"),
        ("docs/a/b.md", "a/b.md", "[it](../operations/index.md)", "[it](../operations/index.md)"),
        ("docs/a/b.md", "a/b.md", "[it](../../warehouse/README.md)", "[it](../parts/warehouse.md)"),
        ("README.md", "start.md", "[a file](dbt/seeds/events.csv)", "a file"),
        ("README.md", "start.md", "![map](portal/pictures/map.png)", "![map](pictures/map.png)"),
        (
            "README.md",
            "start.md",
            "[dlt](https://dlthub.com) [here](#below)",
            "[dlt](https://dlthub.com) [here](#below)",
        ),
        ("README.md", "start.md", "`[it](warehouse/)`", "`[it](warehouse/)`"),
        ("README.md", "start.md", "```\n[it](nowhere)\n```\n", "```\n[it](nowhere)\n```\n"),
    ],
)
def test_a_link_leads_to_the_page_of_its_file(repository: Path, file: str, page: str, written: str, shown: str) -> None:
    found = rewritten(
        written, file=file, page=page, pages=PAGES, root=repository, keep=lambda path: f"pictures/{Path(path).name}"
    )
    assert found == shown


@pytest.mark.parametrize("target", ["nowhere.md", "../outside", "warehouse/nothing"])
def test_a_link_to_no_file_is_an_error_that_names_both(repository: Path, target: str) -> None:
    with pytest.raises(DeadLinkError, match=rf"README\.md.*{target}"):
        rewritten(f"[it]({target})", file="README.md", page="start.md", pages=PAGES, root=repository, keep=str)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("1. One\n   - of it\n     more\n", "1. One\n    - of it\n        more\n"),
        (
            "1. One\n\n   ```bash\n   if x\n     y\n   ```\n\nText\n",
            "1. One\n\n    ```bash\n    if x\n      y\n    ```\n\nText\n",
        ),
        ("- a\n\n  | b |\n  |---|\n- c\n", "- a\n\n    | b |\n    |---|\n- c\n"),
        ("1. a\n\n    ```\n    b\n    ```\n", "1. a\n\n    ```\n    b\n    ```\n"),
        ("Text\n- a\n```\n  - code\n```\n", "Text\n\n- a\n```\n  - code\n```\n"),
        ("    indented code\n", "    indented code\n"),
    ],
)
def test_what_is_in_a_list_is_indented_as_mkdocs_wants_it(written: str, shown: str) -> None:
    assert with_wide_lists(written) == shown


@pytest.mark.parametrize(
    ("to", "page", "shown"),
    [
        ("runbooks/gap.md", "runbooks/index.md", "gap/index.html"),
        ("runbooks/gap.md#over", "reference/monitoring.md", "../../runbooks/gap/index.html#over"),
        ("reference/models/index.md", "reference/models/a.md", "../index.html"),
        ("index.md", "start.md", "../index.html"),
    ],
)
def test_addresses_name_files(to: str, page: str, shown: str) -> None:
    assert address(to, page) == shown


def test_a_runbook_is_where_alerts_link_to() -> None:
    assert destination("runbooks/gap.md") == "runbooks/gap/index.html"


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


@given(st.text(alphabet=st.sampled_from("ab<>&|\"'*_[]()!#\\\n `"), max_size=40))
def test_text_becomes_no_markup_but_code(words: str) -> None:
    seen = _Seen()
    seen.feed(table(("a",), [(text(words),), (code(words),)]))
    assert set(seen.tags) <= {"table", "thead", "tr", "th", "tbody", "td", "code"}
    assert "".join(seen.words.split()).replace("`", "").startswith("a" + "".join(words.split()).replace("`", ""))


def test_a_block_of_code_ends_where_it_should() -> None:
    assert fence("```\nx") == "\n````text\n```\nx\n````\n\n"
