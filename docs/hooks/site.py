"""What MkDocs calls while it builds the site."""

import posixpath
from collections.abc import Iterator
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

from docs.hooks import dbt_project, runbooks
from docs.hooks.addresses import destination
from docs.hooks.links import rewritten, with_wide_lists
from docs.hooks.reference import commands, dagster, expectations, feeds, ledger, metrics, models, monitoring, settings
from docs.hooks.repository import DOCS, pages_of_files, readmes
from warehouse.paths import PROJECT_ROOT

# Dagster last: it takes longest, and what fails before need not wait for it.
_REFERENCE = (commands, settings, feeds, models, metrics, expectations, ledger, monitoring, dagster)

# A search finds pages that explain before the reference, which names everything.
_FOUND_LATER = "---\nsearch:\n  boost: 0.2\n---\n\n"

# Sections of the menu that the hook fills, with the folder whose pages they have.
_FILLED = {"Runbooks": "runbooks/", "Parts": "parts/", "Reference": "reference/"}


def on_files(files: Files, /, *, config: MkDocsConfig) -> Files:
    """Add the READMEs and the reference to the pages, and give each page its folder."""
    dbt_project.forget()
    for path, page in readmes():
        _add(files, config, page, (PROJECT_ROOT / path).read_text())
    for module in _REFERENCE:
        for page, content in module.pages():
            _add(files, config, page, _FOUND_LATER + content)
    for file in files.documentation_pages():
        file.dest_uri = destination(file.src_uri)
    assert config.nav is not None
    _fill(config.nav, files)
    return files


def _add(files: Files, config: MkDocsConfig, page: str, content: str) -> None:
    files.append(File.generated(config, page, content=content))


def on_page_markdown(markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links between files of the repository lead to pages. What is made of code has its addresses already."""
    source = page.file.src_uri
    of_readmes = {made: path for path, made in readmes()}
    if source not in of_readmes and page.file.generated_by:
        return markdown
    if source == runbooks.INDEX:
        markdown = markdown.replace(runbooks.PLACE, _list_of_runbooks(files))
    own = {f"{DOCS}/{file.src_uri}": file.src_uri for file in files.documentation_pages()}
    folders = {posixpath.dirname(path): made for path, made in own.items() if posixpath.basename(path) == "index.md"}
    return rewritten(
        with_wide_lists(markdown),
        file=of_readmes.get(source, f"{DOCS}/{source}"),
        page=source,
        pages={**folders, **pages_of_files(), **own},
        root=PROJECT_ROOT,
        keep=lambda path: _picture(path, files, config),
    )


def _list_of_runbooks(files: Files) -> str:
    folder = posixpath.dirname(runbooks.INDEX) + "/"
    pages = [file for file in files.documentation_pages() if file.src_uri.startswith(folder)]
    return runbooks.list_of((page.src_uri, page.content_string) for page in pages if page.src_uri != runbooks.INDEX)


def _picture(path: str, files: Files, config: MkDocsConfig) -> str:
    """Bring a picture of the repository into the site; one of docs/ is there already."""
    if path.startswith(f"{DOCS}/"):
        return path.removeprefix(f"{DOCS}/")
    kept = f"pictures/{path.replace('/', '-')}"
    if files.get_file_from_path(kept) is None:
        picture = File.generated(config, kept, abs_src_path=str(PROJECT_ROOT / path), inclusion=InclusionLevel.INCLUDED)
        files.append(picture)
    return kept


def _fill(nav: list[Any], files: Files) -> None:
    """Put the pages that are found into the sections that are theirs, after those that `mkdocs.yml` names there."""
    for section, entries in _sections(nav):
        if (folder := _FILLED.get(section)) is None:
            continue
        named = {path for entry in entries for path in (entry.values() if isinstance(entry, dict) else [entry])}
        pages = [file.src_uri for file in files.documentation_pages() if file.src_uri.startswith(folder)]
        below: dict[str, list[Any]] = {}
        for page in pages:
            inner, slash, _ = page.removeprefix(folder).partition("/")
            if slash:
                below.setdefault(inner.capitalize(), []).append(page)
            elif page not in named:
                entries.append(page)
        # In the order in which they were made, which is a sensible one; an index is first.
        entries.extend({name: sorted(found, key=_is_no_index)} for name, found in below.items())


def _sections(nav: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    for entry in nav:
        for name, content in entry.items() if isinstance(entry, dict) else ():
            if isinstance(content, list):
                yield name, content
                yield from _sections(content)


def _is_no_index(page: str) -> bool:
    return posixpath.basename(page) != "index.md"
