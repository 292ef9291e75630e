"""Look at the layers: `python -m warehouse.lakehouse.layers_command`, or `nyc layers`.

Exit status: 0 every table of every layer is there and opens, though it may be behind the current release; 1 one is not,
and it is said why; 2 bad arguments; 3 nothing has been published yet, or no published model is in a layer.
"""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from warehouse.connection import WarehouseError
from warehouse.exit_codes import ExitCode
from warehouse.lakehouse.exported import ExportError
from warehouse.lakehouse.layer_report import LayerState, look_at_layers
from warehouse.lakehouse.layers import EXPORT_COMMAND, wait_for_store
from warehouse.lakehouse.location import LAYERS_VARIABLE, Location
from warehouse.paths import published_folder
from warehouse.releases import NothingPublishedError, current_release
from warehouse.terminal import Style, print_json, quiet_on_broken_pipe

_LONGEST_WAIT = 3_600


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m warehouse.lakehouse.layers_command") -> int:
    """Look at every table of every layer, and return the exit code."""
    parser = argparse.ArgumentParser(prog=prog, description="Say whether every table of every layer is there.")
    parser.add_argument(
        "--wait", type=_seconds, metavar="SECONDS", help="only wait until the server of S3 answers, if there is one"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    try:
        to = Location.of_layers()
    except ExportError as error:
        parser.error(f"{LAYERS_VARIABLE}: {error}")
    try:
        if options.wait is not None:
            wait_for_store(to, options.wait)
            return ExitCode.DONE
        found = look_at_layers(current_release(), to)
    except NothingPublishedError:
        print(
            f"{published_folder()}: nothing has been published yet, so no layer can be there. "
            "Load, build and publish first, or all at once: make init-data-layers",
            file=sys.stderr,
        )
        return ExitCode.NOT_THERE_YET
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED
    print_json(found) if options.json else _print(found, to)
    return _exit_code(found)


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > _LONGEST_WAIT:
        raise argparse.ArgumentTypeError(f"expected seconds from 0 to {_LONGEST_WAIT:,}, got {text[:60]!a}")
    return int(text)


def _exit_code(found: Sequence[LayerState]) -> ExitCode:
    if not found:
        print(
            "no table of the current release is in a layer. A model's meta says that it is: "
            "layer: {bucket: silver, table: NAME}. Then build and publish.",
            file=sys.stderr,
        )
        return ExitCode.NOT_THERE_YET
    troubled = [each for each in found if each.problem]
    for each in troubled:
        print(each.problem, file=sys.stderr)
    return ExitCode.FAILED if troubled else ExitCode.DONE


def _print(found: Sequence[LayerState], to: Location) -> None:
    console = Console(highlight=False, soft_wrap=True, markup=False)
    table = Table("layer", "table", "there", box=None, header_style="bold", pad_edge=False)
    for name in ("rows", "version", "age"):
        table.add_column(name, justify="right")
    for name in ("log", "is"):
        table.add_column(name)
    for each in found:
        table.add_row(
            each.layer,
            each.table,
            "yes" if each.is_there else "no",
            "" if each.rows is None else f"{each.rows:,}",
            "" if each.version is None else str(each.version),
            "" if each.age_seconds is None else age_in_words(each.age_seconds),
            "opens" if each.opens else "does not open" if each.is_there else "",
            _verdict(each),
        )
    console.print(table)
    console.print(f"\n{to.url}")
    if any(each.is_behind for each in found):
        console.print(f"Something was published since. Bring what is behind up to date: {EXPORT_COMMAND}")


def _verdict(each: LayerState) -> Text:
    if each.problem:
        return Text("not well", Style.BAD)
    return Text("behind", Style.WARNING) if each.is_behind else Text("well", Style.GOOD)


def age_in_words(seconds: int) -> str:
    """How long ago something was, in the largest unit that it has one of."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:,} {unit}"
    return f"{seconds} s"


if __name__ == "__main__":
    sys.exit(main())
