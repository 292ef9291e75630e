"""The command line `nyc`. Each command passes its options on to the module that does the work.

Those modules are imported when their command runs: `nyc --help` must not wait for dlt or Great Expectations.
"""

from typing import NoReturn

import typer

from cli import commands, metric_commands, operating_commands
from cli.examples import examples
from cli.settings import read_env_file
from warehouse.exit_codes import exit_code_table

_HELP = """Load published files, build the facts, check them, and ask for metrics.

Settings are read from .env in the project; the environment comes before it."""

_EPILOG = f"\b\nExit codes:\n{exit_code_table()}\n\n{examples('nyc')}"


def _exit(status: int, **_: object) -> NoReturn:
    """End the process with what the command returned."""
    raise typer.Exit(status)


app = typer.Typer(
    help=_HELP,
    epilog=_EPILOG,
    no_args_is_help=True,
    # Plain text: rich would double the time of `--help`.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    result_callback=_exit,
)
commands.register(app)
operating_commands.register(app)
metric_commands.register(app)


def main() -> NoReturn:
    """Run the command line; ends the process with its exit code."""
    read_env_file()
    app(prog_name="nyc")
    raise AssertionError("expected the command to end the process")
