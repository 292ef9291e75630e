"""Options that several commands have."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Live = Annotated[
    bool,
    typer.Option("--live", help="Read the working file, not the release; waits while something writes."),
]
