"""No feed, table or subject is named outside the folders of its subject."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.catalog import ALIASES, FEEDS, SUBJECTS
from warehouse.paths import PROJECT_ROOT

PACKAGES = (
    "briefings",
    "cli",
    "ingestion",
    "metrics",
    "monitoring",
    "orchestration",
    "portal",
    "quality",
    "sandbox",
    "warehouse",
)
DBT = PROJECT_ROOT / "dbt"

# The catalog is written into this file.
GENERATED = DBT / "macros/catalog.sql"

# Names that mean something else where they are, by file.
ALLOWED = {
    "warehouse/terminal.py": {"green", "yellow"},  # colours of the terminal
    "warehouse/paths.py": {"mobility"},  # the file nyc_mobility.duckdb, which bears the project's name
    "ingestion/streams/conversions.py": {"symbols"},  # what Avro calls the words of an enum
    "ingestion/streams/writer_schemas.py": {"symbols"},  # the same
    "ingestion/dlt_runs.py": {"telemetry"},  # what dlt would report of itself, switched off
    "dbt/dbt_project.yml": {"mobility"},  # the project's name, and that mobility's marts have a schema of another name
    "dbt/profiles.yml": {"mobility"},  # the database's name, nyc_mobility
}
# Feeds whose names are words of English. Sentences in docstrings and comments may have these words.
ENGLISH = {"accounts", "green", "mobility", "taxi", "traders", "trades", "weather", "yellow"}
# Names that programs use in another sense everywhere: a broker of Kafka, an exchange of HTTP requests.
AMBIGUOUS = {"broker", "exchange"}


def _names() -> set[str]:
    """Subjects, feeds, their publishers and aliases, raw tables, and all that lies in a subject's folders of dbt."""
    names = {*SUBJECTS, *ALIASES}
    for feed in FEEDS.values():
        names |= {feed.name, feed.raw_table, feed.publisher.name}
    for folder in ("models", "seeds", "tests"):
        names |= {
            path.stem
            for path in (DBT / folder).rglob("*")
            if path.suffix in {".sql", ".csv"} and _is_of_a_subject(path)
        }
    return names


def _is_of_a_subject(path: Path) -> bool:
    return not SUBJECTS.keys().isdisjoint(path.relative_to(PROJECT_ROOT).parts)


NAMES = _names()
# Not within a longer word; `_` ends a word, so that stg_citibike__new is found by citibike.
_PATTERN = re.compile(rf"(?<![a-z0-9])({'|'.join(sorted(NAMES, key=len, reverse=True))})(?![a-z0-9])")


def _named(text: str) -> set[str]:
    """The names in a text. In identifiers such as GreenTaxi a capital begins a word, as `_` does."""
    snake_case = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower()
    return {*_PATTERN.findall(text.lower()), *_PATTERN.findall(snake_case)}


def _python_files() -> Iterator[Path]:
    for package in PACKAGES:
        for path in (PROJECT_ROOT / package).rglob("*.py"):
            if not _is_of_a_subject(path):
                yield path


def _docstrings(tree: ast.Module) -> set[int]:
    """The lines on which strings stand that are statements by themselves."""
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def _words_of(source: str) -> tuple[str, str]:
    """A module's identifiers and strings, and its docstrings and comments."""
    docstrings = _docstrings(ast.parse(source))
    code: list[str] = []
    prose: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        is_prose = token.type == tokenize.COMMENT or (token.type == tokenize.STRING and token.start[0] in docstrings)
        (prose if is_prose else code).append(token.string)
    return "\n".join(code), "\n".join(prose)


def _found(path: Path, text: str, besides: set[str]) -> set[str]:
    return _named(text) - AMBIGUOUS - besides - ALLOWED.get(path.relative_to(PROJECT_ROOT).as_posix(), set())


def test_python_outside_the_folders_of_subjects_names_nothing_of_theirs() -> None:
    found = {}
    for path in _python_files():
        code, prose = _words_of(path.read_text())
        if names := _found(path, code, set()) | _found(path, prose, ENGLISH):
            found[path.relative_to(PROJECT_ROOT).as_posix()] = names
    assert found == {}


def test_sql_and_yaml_outside_the_folders_of_subjects_name_nothing_of_theirs() -> None:
    paths = [path for suffix in ("*.sql", "*.yml", "*.md") for path in DBT.rglob(suffix) if "target" not in path.parts]
    assert GENERATED in paths
    found = {}
    for path in paths:
        if path != GENERATED and not _is_of_a_subject(path) and (names := _found(path, path.read_text(), set())):
            found[path.relative_to(PROJECT_ROOT).as_posix()] = names
    assert found == {}


def test_nothing_is_allowed_that_is_not_there() -> None:
    for path, names in ALLOWED.items():
        assert names <= _named((PROJECT_ROOT / path).read_text()), path


@pytest.mark.parametrize(
    "text",
    ["feed == 'yellow'", "class GreenTaxi: ...", "select * from core_core.fct_trips", "stg_citibike__new", "TLC_URL"],
)
def test_a_name_is_found_as_a_word_and_in_identifiers(text: str) -> None:
    assert _named(text)


@pytest.mark.parametrize("text", ["evergreen", "whether", "tripartite", "yellowish"])
def test_a_name_within_another_word_is_none(text: str) -> None:
    assert not _named(text)


def test_code_and_prose_are_told_apart() -> None:
    code, prose = _words_of('"""Yellow."""\nGREEN = f"{fhv}"  # weather\n')
    assert (_named(code), _named(prose)) == ({"green", "fhv"}, {"yellow", "weather"})
