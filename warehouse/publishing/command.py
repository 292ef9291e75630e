"""Publish what is built: `python -m warehouse.publishing.command`, or `nyc publish`.

Exit status: 0 published, or nothing has changed; 1 the ledger forbids it, or it could not be done, and readers keep the
release before; 2 bad arguments; 3 there is no database, or nothing is published yet.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from warehouse.connection import NotThereYetError, WarehouseError
from warehouse.exit_codes import ExitCode
from warehouse.publishing.publish import Publication, check_publication, publish
from warehouse.publishing.relink import relink
from warehouse.releases.reading import Source
from warehouse.releases.release import is_release_id
from warehouse.releases.store import Releases
from warehouse.terminal import Style, print_json, quiet_on_broken_pipe


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m warehouse.publishing.command") -> int:
    """Publish, or list or change what is published, and return the exit code."""
    parser = argparse.ArgumentParser(prog=prog, description="Publish what is built, for everybody who reads.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="only say whether what is built may be published")
    what.add_argument("--list", action="store_true", help="list the releases")
    what.add_argument("--rollback", metavar="ID", help="make this release current again")
    what.add_argument("--relink", action="store_true", help="mend the paths in the releases after their folder moved")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.rollback is not None and not is_release_id(options.rollback):
        parser.error(f"expected the id of a release, such as 20250131T020512Z-9f3a, but got {options.rollback!r}")
    console = Console(highlight=False, soft_wrap=True, markup=False)
    does: Mapping[str, Callable[[], int]] = {
        "check": lambda: _check(console),
        "list": lambda: _list(console, as_json=options.json),
        "rollback": lambda: _roll_back(options.rollback, console),
        "relink": lambda: _relink(console),
    }
    chosen = next((name for name in does if getattr(options, name)), None)
    try:
        return does[chosen]() if chosen else _publish(console, as_json=options.json)
    except NotThereYetError as error:
        print(error, file=sys.stderr)
        return ExitCode.NOT_THERE_YET
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED


def _publish(console: Console, *, as_json: bool) -> int:
    done = publish()
    if as_json:
        print_json(_as_json(done))
    else:
        _print_publication(done, console)
    return ExitCode.DONE


def _print_publication(done: Publication, console: Console) -> None:
    release = done.release
    if not done.is_new:
        console.print(f"nothing has changed since {Source(release)}")
        return
    rows = sum(table.rows for table in release.tables)
    console.print(f"published release {release.id}: {len(release.tables)} tables, {rows:,} rows")
    new = done.bytes_written + release.database.stat().st_size
    console.print(f"{done.parts_written} files written, {done.parts_reused} as before, {_megabytes(new)} new")
    for file in done.damaged:
        console.print(f"{file}: was damaged or gone; it was written anew", style=Style.WARNING)
    if done.expired:
        console.print(f"deleted older releases: {', '.join(done.expired)}", style=Style.UNIMPORTANT)
    console.print(f"readers follow {Releases().link}")


def _as_json(done: Publication) -> dict[str, Any]:
    return {
        "release": done.release.id,
        "is_new": done.is_new,
        "rows": sum(table.rows for table in done.release.tables),
        "files_written": done.parts_written,
        "files_reused": done.parts_reused,
        "bytes_written": done.bytes_written,
        "expired": done.expired,
        "damaged": done.damaged,
        "address": Releases().link,
    }


def _check(console: Console) -> int:
    check_publication()
    console.print("everything is built from what is loaded, and no blocking check failed: it may be published")
    return ExitCode.DONE


def _list(console: Console, *, as_json: bool) -> int:
    releases = Releases()
    found, current, withdrawn = releases.all(), releases.current(), releases.withdrawn()
    rows: list[dict[str, Any]] = []
    for release in reversed(found):
        state = "current" if current and release.id == current.id else ""
        if release.id in withdrawn:
            state = f"withdrawn by {withdrawn[release.id].by}, {withdrawn[release.id].at:%Y-%m-%d %H:%M}"
        rows.append(
            {
                "release": release.id,
                "published_at": release.published_at,
                "by": release.published_by,
                "rows": sum(table.rows for table in release.tables),
                "bytes": release.size,
                "state": state,
            }
        )
    if as_json:
        print_json(rows)
    elif rows:
        _print_list(rows, console)
    else:
        print(f"{releases.folder}: nothing has been published yet. Publish what is built: nyc publish", file=sys.stderr)
    return ExitCode.DONE if rows else ExitCode.NOT_THERE_YET


def _print_list(rows: Sequence[dict[str, Any]], console: Console) -> None:
    table = Table("release", "published (UTC)", "by", box=None, header_style="bold", pad_edge=False)
    for name in ("rows", "size"):
        table.add_column(name, justify="right")
    table.add_column("")
    for row in rows:
        table.add_row(
            row["release"],
            f"{row['published_at']:%Y-%m-%d %H:%M}",
            row["by"],
            f"{row['rows']:,}",
            _megabytes(row["bytes"]),
            row["state"],
        )
    console.print(table)


def _roll_back(id_: str, console: Console) -> int:
    releases = Releases()
    with releases.lock():
        release = releases.roll_back(id_)
    console.print(f"release {release.id} is current again; newer ones are withdrawn, and are not published again")
    return ExitCode.DONE


def _relink(console: Console) -> int:
    releases = Releases()
    with releases.lock():
        mended = relink(releases)
    console.print(f"{len(mended)} releases read their files from {releases.releases_folder}")
    return ExitCode.DONE


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
