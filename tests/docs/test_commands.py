"""Commands that are written down can be given: the program, its command and its options are there."""

import importlib.util
import re
import shlex
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cli.app import app
from docs.hooks.repository import readmes
from warehouse.paths import PROJECT_ROOT

# Programs of the machine, which have options of their own.
ORDINARY = {".", "cat", "cd", "chmod", "cp", "curl", "df", "docker", "du", "echo", "export", "fuser", "git", "kill"}
ORDINARY |= {"ln", "ls", "mkdir", "mv", "openssl", "pg_dump", "podman", "poetry", "promtool", "ps", "psql", "pytest"}
ORDINARY |= {"rm", "sqlfluff", "sudo", "systemctl", "true", "umask", "dotenv", "marimo", "mkdocs", "pre-commit"}
ORDINARY |= {"amtool", "createdb", "createuser", "dropdb", "flock", "grep", "head", "lsof", "pg_ctlcluster"}
ORDINARY |= {"pg_isready", "pg_restore", "prometheus", "sleep", "tail", "test", "touch"}

_BLOCK = re.compile(r"^( *)```(?:bash|sh|shell|console)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
# A command between backticks; one of several words, as `nyc` alone is a name.
_INLINE = re.compile(r"`((?:nyc|make|dagster|python -m) [^`]+)`")
_SETTING = re.compile(r"[A-Za-z_]+=")
_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)

FILES = sorted(
    {*(PROJECT_ROOT / path for path, _ in readmes()), *(PROJECT_ROOT / "docs").rglob("*.md")},
)


def commands(markdown: str) -> Iterator[list[str]]:
    """Each command of the blocks of a page, and between backticks, as words, without settings before it."""
    blocks = [textwrap.dedent(block) for _, block in _BLOCK.findall(markdown)]
    inline = [" ".join(line.split()) for line in _INLINE.findall(_BLOCK.sub("", markdown))]
    for block in [*blocks, *inline]:
        for line in _logical_lines(block):
            lexer = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, ";"]:
                if not set(word) <= set("();<>|&"):
                    words.append(word)
                    continue
                while words and _SETTING.match(words[0]):
                    words = words[1:]
                if words:
                    yield words
                # What follows `>` or `<` is a file.
                words = ["cat"] if word in {">", ">>", "<", "2>"} else []


def _logical_lines(block: str) -> Iterator[str]:
    """Lines with those that they go on in: after a backslash, or within quotes."""
    line = ""
    for part in block.splitlines():
        line = f"{line}{part}"
        if line.endswith("\\"):
            line = line[:-1]
            continue
        try:
            shlex.split(line, comments=True)
        except ValueError:
            line += "\n"
            continue
        yield line
        line = ""
    assert not line, f"expected quotes to end: {line}"


@cache
def _targets() -> set[str]:
    return set(_TARGET.findall((PROJECT_ROOT / "Makefile").read_text()))


@cache
def _program(name: str) -> Any:
    if name == "nyc":
        return get_command(app)
    if name == "dbt":
        from dbt.cli.main import cli

        return cli
    from dagster._cli import create_dagster_cli

    return create_dagster_cli()  # type: ignore[no-untyped-call]


def complaint(words: list[str]) -> str | None:
    """What is wrong with a command; None if it can be given."""
    name, *rest = words
    # Loops of the shell: what is done in one is a command; the rest is not.
    if name in {"do", "then", "if", "while"}:
        return complaint(rest) if rest else None
    if name in {"for", "done", "fi", "else"}:
        return None
    if "/" in name and (PROJECT_ROOT / name).is_file():
        return None
    if name == "poetry" and rest[:1] == ["run"]:
        return complaint(rest[1:])
    if name == "make":
        named = [word for word in rest if "=" not in word and not word.startswith("-")]
        return next((f"no target {word}" for word in named if word not in _targets()), None)
    if name in {"python", "python3"}:
        return _of_python(rest)
    if name in {"nyc", "dbt", "dagster"}:
        return _of_click(_program(name), rest)
    return None if name in ORDINARY | {"mf"} else f"no program {name}"


def _of_python(words: list[str]) -> str | None:
    if words[0] == "-m":
        return None if importlib.util.find_spec(words[1]) else f"no module {words[1]}"
    return None if words[0] == "-c" or (PROJECT_ROOT / words[0]).exists() else f"no file {words[0]}"


def _of_click(command: Any, words: list[str]) -> str | None:
    """Whether the command knows its sub-commands and its options. What stands after `--` is another command."""
    rest = list(words)
    while hasattr(command, "commands"):
        # A word in capitals stands for any.
        if not rest or rest[0] == "--help" or rest[0].isupper():
            return None
        found = command.commands.get(rest[0])
        if found is None:
            return f"no command {rest[0]}"
        command, rest = found, rest[1:]
    if getattr(command, "context_settings", {}).get("ignore_unknown_options"):
        return _passed_on(command.name, rest)
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    given = rest[: rest.index("--")] if "--" in rest else rest
    options = (word.partition("=")[0] for word in given if re.match(r"--?[a-zA-Z]", word))
    # A value may begin with a hyphen, as in --order -name.
    unknown = [word for word in options if word not in known | {"--help"} and word.startswith("--")]
    return f"no option {unknown[0]}" if unknown else None


def _passed_on(name: str, words: list[str]) -> str | None:
    if name == "build":
        return _of_click(_program("dbt"), ["build", *words])
    separator = words.index("--") if "--" in words else len(words)
    return complaint(words[separator + 1 :]) if words[separator + 1 :] else None


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.relative_to(PROJECT_ROOT).as_posix())
def test_commands_of_a_page_can_be_given(file: Path) -> None:
    wrong = [f"{shlex.join(words)}: {why}" for words in commands(file.read_text()) if (why := complaint(words))]
    assert wrong == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("nyc laod", "no command laod"),
        ("nyc load --yaer 2025", "no option --yaer"),
        ("nyc build --slect x", "no option --slect"),
        ("nyc sandbox run -- nyc laod", "no command laod"),
        ("A=1 make sumary", "no target sumary"),
        ("python -m quality.runn", "no module quality.runn"),
        ("(cd dbt && dbt biuld)", "no command biuld"),
        ("nyc gaps | frobnicate", "no program frobnicate"),
        ("dagster job lanch", "no command lanch"),
        ("for one in a b; do nyc laod; done", "no command laod"),
        ("deploy/make_nothing.sh", "no program deploy/make_nothing.sh"),
        ("poetry run dagster dev --worksapce x", "no option --worksapce"),
        ('python -c "\nimport x\n" # no command', None),
    ],
)
def test_what_is_not_there_is_noticed(line: str, wrong: str | None) -> None:
    found = [why for words in commands(f"```bash\n{line}\n```\n") if (why := complaint(words))]
    assert found == ([wrong] if wrong else [])


def test_there_are_commands_to_look_at() -> None:
    assert sum(len(list(commands(file.read_text()))) for file in FILES) > 100
