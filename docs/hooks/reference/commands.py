"""The page of the command `nyc`: each command's options, exit codes and examples, from the Typer app."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from cli.app import app
from cli.examples import all_examples
from docs.hooks.markup import code, fence, heading, paragraph, table, text
from warehouse.exit_codes import ExitCode


def pages() -> Iterator[tuple[str, str]]:
    """The page and its text."""
    root = get_command(app)
    parts = [
        "# Commands\n\n",
        paragraph(
            text("Every command of `nyc`. Each ends with one of these exit codes."),
            text("What a code means for one command in particular is in its part of the documentation."),
        ),
        table(("code", "means"), ((code(one.value), text(one.meaning)) for one in ExitCode)),
    ]
    for words, command in _commands(root, ()):
        parts.extend(_command(words, command))
    yield "reference/commands.md", "".join(parts)


def _commands(group: Any, before: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        words = (*before, name)
        if hasattr(command, "commands"):
            yield from _commands(command, words)
        elif not command.hidden:
            yield words, command


def _command(words: tuple[str, ...], command: Any) -> Iterator[str]:
    yield heading(2, " ".join(("nyc", *words)), "-".join(words))
    first, _, rest = (command.help or "").partition("\n\n")
    yield paragraph(text(first))
    if rest.strip():
        yield paragraph(text(rest))
    rows = [_parameter(parameter) for parameter in command.params]
    if rows:
        yield table(("option", "value", "what it does"), rows)
    if examples := all_examples().get(" ".join(words)):
        yield fence("\n".join(examples), "bash")


def _parameter(parameter: Any) -> tuple[str, str, str]:
    is_option = parameter.param_type_name == "option"
    name = ", ".join(parameter.opts) if is_option else parameter.metavar or parameter.name.upper()
    value = "" if not is_option or parameter.is_flag else parameter.metavar or parameter.type.name.upper()
    many = " May be given several times." if parameter.multiple else ""
    default = parameter.default
    said = (
        f" Default: `{default}`."
        if isinstance(default, int | str) and not isinstance(default, bool) and default
        else ""
    )
    return code(name), code(value) if value else "", text(f"{parameter.help or ''}{many}{said}")
