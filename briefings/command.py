"""The briefing of a day: `python -m briefings.command [--date 2026-01-14] [--live]`.

It is written from the current release, with `--live` from the working file, to `briefings/` beside the DuckDB file.
Without a date it is that of the newest day loaded.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import date

from briefings.writing import NoSuchDayError, newest_day_loaded, write_briefing
from warehouse.connection import NotThereYetError, WarehouseError
from warehouse.exit_codes import ExitCode, exit_code_table
from warehouse.periods import BadPeriodError, Grain, Period
from warehouse.releases import open_for_readers
from warehouse.terminal import add_live_option, quiet_on_broken_pipe


def _day(words: str) -> date:
    try:
        return Period.parse(Grain.DAY, words).first_day
    except BadPeriodError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m briefings.command") -> int:
    """Write the briefing, print where it is, and return the exit code.

    It is 2 if the day is none that has a briefing, and 3 if nothing of it is loaded, or nothing is published.
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        epilog=f"exit codes:\n{exit_code_table()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--date", type=_day, metavar="DAY", help="the day, such as 2026-01-14")
    add_live_option(parser)
    options = parser.parse_args(arguments)
    try:
        with open_for_readers(live=options.live) as (source, connection):
            written = write_briefing(options.date or newest_day_loaded(connection), source, connection)
    except NoSuchDayError as error:
        print(f"{prog}: error: {error}", file=sys.stderr)
        return ExitCode.BAD_ARGUMENTS
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return ExitCode.NOT_THERE_YET if isinstance(error, NotThereYetError) else ExitCode.FAILED
    print(written.path)
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
