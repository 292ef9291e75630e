"""Maintain everything, for `nyc maintain`; of the warehouse alone: `python -m warehouse.maintenance.command`.

Exit status: 0 done, also where somebody had in use what the next maintenance will do; 1 an item failed, and the others
are done; 2 bad arguments.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

from warehouse.exit_codes import ExitCode
from warehouse.maintenance.items import Item, Outcome, maintain, megabytes
from warehouse.maintenance.warehouse_items import warehouse_items
from warehouse.terminal import Style, print_json, quiet_on_broken_pipe

_STYLES = {
    "done": Style.GOOD,
    "nothing": Style.UNIMPORTANT,
    "skipped": Style.WARNING,
    "failed": Style.BAD,
}


@quiet_on_broken_pipe
def main(
    argv: Sequence[str] | None = None,
    *,
    items: Callable[[], Sequence[Item]] = warehouse_items,
    prog: str = "python -m warehouse.maintenance.command",
) -> int:
    """Maintain the items, print what each gave back, and return the exit code."""
    parser = argparse.ArgumentParser(prog=prog, description="Give back the space of what nobody needs any more.")
    parser.add_argument("--dry-run", action="store_true", help="say what there is to do, and change nothing")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    outcomes = maintain(items(), dry_run=options.dry_run)
    if options.json:
        print_json(outcomes)
    else:
        _print(outcomes, dry_run=options.dry_run)
    return ExitCode.FAILED if any(outcome.status == "failed" for outcome in outcomes) else ExitCode.DONE


def _print(outcomes: Sequence[Outcome], *, dry_run: bool) -> None:
    console = Console(highlight=False, soft_wrap=True, markup=False)
    width = max(len(outcome.item) for outcome in outcomes)
    for outcome in outcomes:
        gave = f"{megabytes(outcome.bytes)}: " if outcome.bytes else ""
        word = "to do" if dry_run and outcome.status == "done" else outcome.status
        console.print(f"{outcome.item:{width}}  ", end="")
        console.print(f"{word:8}", end="", style=_STYLES[outcome.status])
        console.print(f"{gave}{outcome.said}")
    total = sum(outcome.bytes for outcome in outcomes)
    console.print(f"{'there are' if dry_run else 'gave back'} {megabytes(total)}{' to give back' if dry_run else ''}")


if __name__ == "__main__":
    sys.exit(main())
