"""Put a backup, or what a release knows, in the place of the working file: `nyc restore`.

Exit status: 0 done; 1 it could not be done, and nothing was changed; 2 bad arguments; 3 there is no backup or release.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

from warehouse.backup.restoring import Restored, restore
from warehouse.backup.restoring_release import RestoredRelease, restore_release
from warehouse.backup.store import LATEST, find_backup
from warehouse.connection import NotThereYetError, WarehouseError
from warehouse.exit_codes import ExitCode
from warehouse.lakehouse.location import BACKUP_VARIABLE
from warehouse.paths import database_path
from warehouse.releases import Releases, current_release
from warehouse.releases.release import is_release_id
from warehouse.terminal import print_json, quiet_on_broken_pipe

_CURRENT = "current"

# Gives up what cannot be loaded again, unless it is only to say what that is; gives its words, and what it gave up.
GiveUp = Callable[[bool], Sequence[str]]


@quiet_on_broken_pipe
def main(
    argv: Sequence[str] | None = None,
    *,
    give_up: GiveUp | None = None,
    prog: str = "python -m warehouse.backup.restore_command",
) -> int:
    """Restore, and return the exit code. `give_up` is what `--give-up` does; only `nyc` knows the feeds."""
    parser = argparse.ArgumentParser(prog=prog, description="Put a backup in the place of the working file.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--from",
        dest="source",
        metavar="BACKUP",
        help=f"{LATEST} or an id, in {BACKUP_VARIABLE}; or the address of a backup, or of a place with some",
    )
    what.add_argument(
        "--from-release",
        dest="release",
        metavar="ID",
        nargs="?",
        const=_CURRENT,
        help="the ledger of a release, by default the current one; its files are then to be loaded again",
    )
    if give_up:
        what.add_argument(
            "--give-up",
            action="store_true",
            help="forget files that the ledger says are loaded, but whose rows are gone and no publisher has",
        )
    parser.add_argument("--force", action="store_true", help="also if there is a working file; it is kept beside")
    parser.add_argument("--dry-run", action="store_true", help="look whether it can be done, and change nothing")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    if options.release not in (None, _CURRENT) and not is_release_id(options.release):
        parser.error(f"expected the id of a release, such as 20250131T020512Z-9f3a, but got {options.release!r}")
    try:
        if options.source is not None:
            _restore_backup(options)
        elif options.release is not None:
            _restore_release(options)
        elif give_up:
            _give_up(give_up, options)
    except NotThereYetError as error:
        print(error, file=sys.stderr)
        return ExitCode.NOT_THERE_YET
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED
    return ExitCode.DONE


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True, markup=False)


def _restore_backup(options: argparse.Namespace) -> None:
    backup = find_backup(options.source)
    done = restore(backup, force=options.force, dry_run=options.dry_run)
    if options.json:
        print_json(done)
        return
    made = f"made {backup.made_at:%Y-%m-%d %H:%M} UTC"
    sizes = f"{done.tables} tables, {done.rows:,} rows, {backup.bytes / 1e6:,.1f} MB"
    console = _console()
    if options.dry_run:
        console.print(f"{done.source}, {made}: {sizes}; it is whole ({done.seconds:.1f} s). Nothing was changed.")
        return
    console.print(f"{database_path()}: restored from {done.source}, {made}: {sizes}, in {done.seconds:.1f} s")
    _say_kept(done, console)
    console.print("what was loaded later is missing: nyc gaps --fill, then nyc build and nyc publish")


def _restore_release(options: argparse.Namespace) -> None:
    release = current_release() if options.release == _CURRENT else Releases().find(options.release)
    done = restore_release(release, force=options.force, dry_run=options.dry_run)
    if options.json:
        print_json(done)
        return
    console = _console()
    if options.dry_run:
        console.print(f"release {done.release}: its ledger can be restored. Nothing was changed. To load again then:")
    else:
        console.print(f"{database_path()}: restored the ledger of release {done.release}, in {done.seconds:.1f} s")
        _say_kept(done, console)
        console.print("its rows are to be loaded again:")
    for each in done.to_load:
        console.print(f"  {each.feed}: {each.periods:,} periods, {each.first} to {each.last}, {each.rows:,} rows")
    for feed, messages in done.streams.items():
        console.print(f"  {feed}: a stream, {messages:,} messages read; those that the broker still has come again")
    streams = "nyc stream --once, " if done.streams else ""
    console.print(f"readers keep the release meanwhile. Next: nyc gaps --fill, {streams}nyc build, nyc publish")
    console.print("what no publisher has any more, dbt names: nyc restore --give-up goes on without it")


def _say_kept(done: Restored | RestoredRelease, console: Console) -> None:
    if done.kept_as:
        console.print(f"the file that was there is now {done.kept_as}; delete it when you no longer need it")


def _give_up(give_up: GiveUp, options: argparse.Namespace) -> None:
    given_up = give_up(options.dry_run)
    if options.json:
        print_json(given_up)
        return
    console = _console()
    for each in given_up:
        console.print(f"  {each}")
    if not given_up:
        console.print("every file that the ledger says is loaded is there; there is nothing to give up")
    elif options.dry_run:
        console.print("their rows are gone from the working file. Load them again if you can: nyc gaps --fill")
    else:
        console.print("given up. Next: nyc build, nyc publish. Releases that have their rows keep them")


if __name__ == "__main__":
    sys.exit(main())
