"""Make, list and compare backups: `python -m warehouse.backup.command`, or `nyc backup`.

Exit status: 0 done, also where the newest backup has the same file; 1 it could not be done, or a backup is damaged;
2 bad arguments; 3 there is no working file, or no backup yet.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from warehouse.backup.backing_up import DEFAULT_KEEP, BackedUp, back_up
from warehouse.backup.manifest import Backup, BackupError
from warehouse.backup.store import Backups, verify
from warehouse.connection import NotThereYetError, WarehouseError
from warehouse.exit_codes import ExitCode
from warehouse.lakehouse.exported import ExportError
from warehouse.lakehouse.location import BACKUP_VARIABLE, Location
from warehouse.ledger import utc_now
from warehouse.releases.reading import ago
from warehouse.terminal import Style, print_json, quiet_on_broken_pipe


@quiet_on_broken_pipe
def main(argv: Sequence[str] | None = None, *, prog: str = "python -m warehouse.backup.command") -> int:
    """Make, list or compare backups, and return the exit code."""
    parser = argparse.ArgumentParser(prog=prog, description="Make a backup of the working file.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="list the backups")
    what.add_argument("--verify", action="store_true", help="read all backups, and compare their checksums")
    parser.add_argument("--to", help=f"a folder or s3://bucket/prefix (default: {BACKUP_VARIABLE})")
    parser.add_argument("--keep", type=_count, metavar="N", help=f"how many are kept (default: {DEFAULT_KEEP})")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    if options.keep is not None and (options.list or options.verify):
        parser.error("--keep: expected neither --list nor --verify, which remove nothing")
    try:
        place = Location.of_backups(options.to)
    except ExportError as error:
        parser.error(f"{'--to' if options.to else BACKUP_VARIABLE}: {error}")
    console = Console(highlight=False, soft_wrap=True, markup=False)
    try:
        if options.list:
            return _list(place, console, as_json=options.json)
        if options.verify:
            return _verify(place, console, as_json=options.json)
        done = back_up(place, keep=options.keep or DEFAULT_KEEP)
    except NotThereYetError as error:
        print(error, file=sys.stderr)
        return ExitCode.NOT_THERE_YET
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED
    print_json(_as_json(done)) if options.json else _print(done, console)
    return ExitCode.DONE


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, but got {text!r}")
    return int(text)


def _print(done: BackedUp, console: Console) -> None:
    backup = done.backup
    if done.is_new:
        console.print(
            f"{backup.address}: {len(backup.tables)} tables, {backup.rows:,} rows, {_megabytes(backup.bytes)}, written "
            f"and compared in {done.seconds:.1f} s; nobody could write for {done.held_seconds:.1f} s"
        )
    else:
        console.print(f"nothing has changed since backup {backup.id}, made {ago(utc_now() - backup.made_at)}")
    if done.cleared:
        console.print(f"removed what was left half-made: {', '.join(done.cleared)}", style=Style.UNIMPORTANT)
    if done.removed:
        console.print(f"removed older backups: {', '.join(done.removed)}", style=Style.UNIMPORTANT)


def _as_json(done: BackedUp) -> dict[str, Any]:
    return {
        "backup": done.backup.id,
        "address": done.backup.address,
        "is_new": done.is_new,
        "rows": done.backup.rows,
        "bytes": done.backup.bytes,
        "seconds": done.seconds,
        "held_seconds": done.held_seconds,
        "removed": done.removed,
        "cleared": done.cleared,
    }


def _there(place: Location) -> list[Backup]:
    found = Backups(place).all()
    if not found:
        print(f"{place.url}: there is no backup yet. Make one: nyc backup", file=sys.stderr)
    return found[::-1]


def _list(place: Location, console: Console, *, as_json: bool) -> int:
    found = _there(place)
    if as_json:
        print_json([_described(backup) for backup in found])
    elif found:
        table = Table("backup", "made (UTC)", box=None, header_style="bold", pad_edge=False)
        for name in ("tables", "rows", "size"):
            table.add_column(name, justify="right")
        for each in found:
            table.add_row(
                each.id,
                f"{each.made_at:%Y-%m-%d %H:%M}",
                f"{len(each.tables)}",
                f"{each.rows:,}",
                _megabytes(each.bytes),
            )
        console.print(table)
        console.print(f"\n{place.url}")
    return ExitCode.DONE if found else ExitCode.NOT_THERE_YET


def _verify(place: Location, console: Console, *, as_json: bool) -> int:
    found = _there(place)
    damaged: dict[str, str] = {}
    for backup in found:
        try:
            verify(backup)
        except BackupError as error:
            damaged[backup.id] = str(error)
        if not as_json:
            said = damaged.get(backup.id)
            console.print(f"{backup.id}: {said or 'whole'}", style=Style.BAD if said else None)
    if as_json:
        print_json([{**_described(backup), "damage": damaged.get(backup.id)} for backup in found])
    if damaged:
        return ExitCode.FAILED
    return ExitCode.DONE if found else ExitCode.NOT_THERE_YET


def _described(backup: Backup) -> dict[str, Any]:
    return {
        "backup": backup.id,
        "address": backup.address,
        "made_at": backup.made_at,
        "rows": backup.rows,
        "bytes": backup.bytes,
        "sha256": backup.sha256,
        "duckdb_version": backup.duckdb_version,
    }


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
