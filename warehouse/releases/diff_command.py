"""What changed between two releases, and why: `python -m warehouse.releases.diff_command [OLD] [NEW]`, or `nyc diff`.

Exit status: 0 compared, whether they differ or not; 1 a release or a file of it is damaged; 2 bad arguments, or no such
release or table; 3 there are no two releases yet.
"""

import argparse
import sys
from collections.abc import Sequence

from warehouse.connection import NotThereYetError, WarehouseError
from warehouse.exit_codes import ExitCode
from warehouse.releases.diff import UnknownTableError, compare
from warehouse.releases.diff_text import as_data, describe
from warehouse.releases.release import Release
from warehouse.releases.store import Releases, UnknownReleaseError
from warehouse.terminal import print_json, quiet_on_broken_pipe

EXAMPLES_BY_DEFAULT = 3


class NothingToCompareError(NotThereYetError):
    """There are no two releases yet."""


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m warehouse.releases.diff_command") -> int:
    """Print what differs between two releases, and return the exit code."""
    options = _parser(prog).parse_args(arguments)
    try:
        old, new = _chosen(options.old, options.new)
        diff = compare(old, new, only_table=options.table, examples=options.rows)
    except NotThereYetError as error:
        return _failed(error, ExitCode.NOT_THERE_YET)
    except (UnknownReleaseError, UnknownTableError) as error:
        return _failed(error, ExitCode.BAD_ARGUMENTS)
    except WarehouseError as error:
        return _failed(error, ExitCode.FAILED)
    if options.json:
        print_json(as_data(diff))
    else:
        print("\n".join(describe(diff)))
    return ExitCode.DONE


def _failed(error: WarehouseError, code: ExitCode) -> int:
    print(error, file=sys.stderr)
    return code


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description="Show what changed between two releases, and why.")
    parser.add_argument("old", nargs="?", metavar="OLD", help="id of a release; by default the one before the current")
    parser.add_argument("new", nargs="?", metavar="NEW", help="id of a release; by default the current one")
    parser.add_argument("--table", metavar="NAME", help="only this table, with or without its schema")
    parser.add_argument(
        "--rows",
        nargs="?",
        type=_count,
        const=EXAMPLES_BY_DEFAULT,
        default=0,
        metavar="N",
        help=f"show N rows a table of those added, gone and changed (default {EXAMPLES_BY_DEFAULT})",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    return parser


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 6:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a number of rows below a million, but got {text[:50]!r}")


def _chosen(old: str | None, new: str | None) -> tuple[Release, Release]:
    """The two releases to compare."""
    releases = Releases()
    if old and new:
        return releases.find(old), releases.find(new)
    current = releases.current()
    if current is None:
        raise NothingToCompareError(
            f"{releases.folder}: nothing has been published yet. Publish what is built: nyc publish"
        )
    if old:
        return releases.find(old), current
    before = releases.before(current)
    if before is None:
        raise NothingToCompareError(
            f"{releases.folder}: expected a release before the current one ({current.id}), but there is none. "
            "Publish another, or name two: nyc publish --list"
        )
    return before, current


if __name__ == "__main__":
    sys.exit(main())
