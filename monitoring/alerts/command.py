"""Tell people what is wrong, once each: `nyc alerts`, for whoever has no Dagster running. Run it by cron.

What was told is kept beside the DuckDB file, together with what Dagster's sensors told: nobody is told twice where both
run. With `--dry-run` it says what would be told, and tells nobody.

Exit status: 0 what is new was told, or nothing is; 1 something could not be told, or the ledger could not be read; 2
bad arguments or settings; 3 there is nothing to look at yet, or nobody to tell.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from monitoring.alerts.delivery import Alert, AlertSettings, AlertSettingsError
from monitoring.alerts.outages import Outage
from monitoring.alerts.store import AlertStateError
from monitoring.alerts.telling import Told, is_fresh_install, look_and_tell, would_tell
from warehouse.connection import WarehouseBusyError, WarehouseError
from warehouse.exit_codes import ExitCode
from warehouse.ledger import utc_now
from warehouse.terminal import print_json, quiet_on_broken_pipe


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None, *, prog: str = "nyc alerts") -> int:
    """Look, tell and print what was told, and return the exit status."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="tell nobody; only say what would be told")
    parser.add_argument("--json", action="store_true", help="print what was told as JSON")
    options = parser.parse_args(arguments)
    try:
        if is_fresh_install():
            return _refuse("nothing is loaded yet, so there is nothing to look at", ExitCode.NOT_THERE_YET)
        settings = AlertSettings.from_environment(os.environ)
        if not options.dry_run and not settings.ways:
            return _refuse("nobody is to be told: see ALERT_ in .env.example, or --dry-run", ExitCode.NOT_THERE_YET)
        told = would_tell(utc_now()) if options.dry_run else look_and_tell(settings, utc_now())
    except AlertSettingsError as error:
        return _refuse(str(error), ExitCode.BAD_ARGUMENTS)
    except (AlertStateError, WarehouseError) as error:
        return _refuse(str(error), ExitCode.FAILED)
    if options.json:
        print_json(as_data(told, is_dry_run=options.dry_run))
    else:
        _print(told, is_dry_run=options.dry_run)
    is_problem = told.problem is not None and not isinstance(told.problem, WarehouseBusyError)
    return ExitCode.FAILED if told.failures or is_problem else ExitCode.DONE


def as_data(told: Told, *, is_dry_run: bool) -> dict[str, Any]:
    """What came of a look in plain types. Times are UTC."""
    return {
        "is_dry_run": is_dry_run,
        "told": [_alert(alert) for alert in told.alerts],
        "outages": [_outage(key, outage) for key, outage in sorted(told.decision.outages.items())],
        "failures": list(told.failures),
        "not_looked_at": str(told.problem) if told.problem else None,
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {"headline": alert.headline, "body": alert.body, "links": list(alert.links)}


def _outage(key: str, outage: Outage) -> dict[str, Any]:
    return {
        "key": key,
        "runbook": outage.runbook.value,
        "label": outage.label,
        "since": _time(outage.since),
        "told_at": _time(outage.told_at),
        "gone_since": _time(outage.gone_since),
    }


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _print(told: Told, *, is_dry_run: bool) -> None:
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for alert in told.alerts:
        console.print(f"{'would tell' if is_dry_run else 'told'}: {alert.headline}", style="bold")
        for text in (alert.body, *alert.links):
            console.print("\n".join(f"  {line}" for line in text.splitlines()))
    if not told.alerts:
        console.print("nothing new to tell")
    outages = told.decision.outages.values()
    new = len(told.decision.to_tell)
    known = sum(outage.told_at is not None for outage in outages) - new
    if patient := len(outages) - known - new:
        console.print(f"{patient:,} more will be told if that stays: nyc alerts --json names all")
    if known:
        console.print(f"{known:,} told before and not over yet")
    if told.problem:
        print(f"the ledger was not looked at: {told.problem}", file=sys.stderr)
    for failure in told.failures:
        print(failure, file=sys.stderr)


def _refuse(message: str, code: ExitCode) -> int:
    print(message, file=sys.stderr)
    return code
