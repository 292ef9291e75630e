"""Export what is published: `python -m warehouse.lakehouse.command`, or `nyc export`.

Exit status: 0 exported, or all was there already; 1 it could not be done, and the same command mends it; 2 bad
arguments; 3 nothing has been published yet.
"""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from warehouse.connection import WarehouseError
from warehouse.exit_codes import ExitCode
from warehouse.lakehouse.exported import ALL_TABLES, Exported, ExportError
from warehouse.lakehouse.exporting import UnknownTableError, export
from warehouse.lakehouse.formats import FORMATS, missing_library
from warehouse.lakehouse.location import LAKEHOUSE_VARIABLE, LAYERS_VARIABLE, Location
from warehouse.paths import published_folder
from warehouse.releases import NothingPublishedError
from warehouse.terminal import print_json, quiet_on_broken_pipe


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m warehouse.lakehouse.command") -> int:
    """Export tables of the current release, and return the exit code."""
    parser = argparse.ArgumentParser(prog=prog, description="Export what is published, for other tools.")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="what to write (default: %(default)s)")
    parser.add_argument("--select", type=_names, default=(), help="tables, separated by commas (default: all)")
    parser.add_argument("--to", help="a folder or s3://bucket/prefix (default: LAKEHOUSE_URL)")
    parser.add_argument(
        "--layers", action="store_true", help="with --format delta: the tables in layers, to LAYERS_URL"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.layers and (options.format != "delta" or options.select or options.to):
        parser.error("--layers: expected --format delta, and neither --select nor --to: layers go to LAYERS_URL")
    try:
        to = Location.of_layers() if options.layers else Location.of(options.to)
    except ExportError as error:
        variable = LAYERS_VARIABLE if options.layers else LAKEHOUSE_VARIABLE
        parser.error(f"{'--to' if options.to else variable}: {error}")
    try:
        done = _export_layers(to) if options.layers else export(options.format, options.select, to)
    except NothingPublishedError:
        # Not the error's own text: it offers the working file, which is not exported.
        print(
            f"{published_folder()}: nothing has been published yet. Publish what is built first: nyc publish",
            file=sys.stderr,
        )
        return ExitCode.NOT_THERE_YET
    except UnknownTableError as error:
        print(error, file=sys.stderr)
        return ExitCode.BAD_ARGUMENTS
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED
    if options.json:
        print_json(done)
    else:
        _print(done, to)
    return ExitCode.DONE


def _export_layers(to: Location) -> list[Exported]:
    try:
        from warehouse.lakehouse.layers import export_layers
    except ModuleNotFoundError as error:
        raise missing_library("--layers", error) from error
    return export_layers(to)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise argparse.ArgumentTypeError("expected names of tables, separated by commas")
    return names


def _print(done: Sequence[Exported], to: Location) -> None:
    console = Console(highlight=False, soft_wrap=True, markup=False)
    table = Table("table", box=None, header_style="bold", pad_edge=False)
    for name in ("rows", "files written", "written"):
        table.add_column(name, justify="right")
    table.add_column("version")
    for each in done:
        name = "all tables" if each.table == ALL_TABLES else each.table
        size = f"{each.bytes_written / 1e6:,.1f} MB" if each.files_written else ""
        table.add_row(name, f"{each.rows:,}", f"{each.files_written:,}", size, each.version)
    console.print(table)
    addresses = {each.address for each in done}
    console.print(f"\n{next(iter(addresses)) if len(addresses) == 1 else to.url}")


if __name__ == "__main__":
    sys.exit(main())
