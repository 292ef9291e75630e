"""Options that several commands have, and what Typer does not know of options."""

from typing import Annotated

import typer
from typer.core import TyperCommand

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Live = Annotated[
    bool,
    typer.Option("--live", help="Read the working file, not the release; waits while something writes."),
]

# The value of an option that was given without one.
DEFAULT = "default"


class RowsCommand(TyperCommand):
    """A command whose `--rows` may stand without its number, which Typer does not allow."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Give `--rows` the value `DEFAULT` where no number follows."""
        following = [*args, ""][1:]
        given = [
            f"{word}={DEFAULT}" if word == "--rows" and not after.isdigit() else word
            for word, after in zip(args, following, strict=True)
        ]
        return super().parse_args(ctx, given)
