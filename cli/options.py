"""Options that several commands have, and what Typer does not know of options."""

from typing import Annotated, ClassVar

import typer
from typer.core import TyperCommand

from cli.completion import complete_feeds

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Live = Annotated[
    bool,
    typer.Option("--live", help="Read the working file, not the release; waits while something writes."),
]
First = Annotated[str | None, typer.Option("--from", metavar="PERIOD", help="First month, such as 2025-01.")]
Last = Annotated[str | None, typer.Option("--to", metavar="PERIOD", help="Last month, such as 2025-06.")]
Sources = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="Feeds, separated by commas.", autocompletion=complete_feeds),
]

# The value of an option that was given without one.
DEFAULT = "default"


class _OptionalValueCommand(TyperCommand):
    """A command with an option that may stand without its value, which Typer does not allow."""

    option: ClassVar[str]

    @staticmethod
    def is_value(word: str) -> bool:
        """Whether the word after the option is its value; it is empty where nothing follows."""
        raise NotImplementedError

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Give the option the value `DEFAULT` where no value follows."""
        following = [*args, ""][1:]
        given = [
            f"{word}={DEFAULT}" if word == self.option and not self.is_value(after) else word
            for word, after in zip(args, following, strict=True)
        ]
        return super().parse_args(ctx, given)


class RowsCommand(_OptionalValueCommand):
    """A command whose `--rows` may stand without its number."""

    option = "--rows"

    @staticmethod
    def is_value(word: str) -> bool:
        """Whether it is a number."""
        return word.isdigit()


class FromReleaseCommand(_OptionalValueCommand):
    """A command whose `--from-release` may stand without its id."""

    option = "--from-release"

    @staticmethod
    def is_value(word: str) -> bool:
        """Whether it is no other option: the command has no arguments."""
        return bool(word) and not word.startswith("-")
