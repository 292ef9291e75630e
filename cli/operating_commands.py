"""Commands for whoever operates the platform: is all well, where is everything, and how is it kept so."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.arguments import as_arguments
from cli.examples import examples
from cli.options import Json, Live
from warehouse.exit_codes import ExitCode

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from warehouse.maintenance import Found
    from warehouse.releases import Source
    from warehouse.verdict import Verdict


def health(live: Live = False, as_json: Json = False) -> int:
    """Say whether all is well, and show the last result of every check.

    Those of dbt, Great Expectations and Dagster, whoever ran them.
    """
    from ingestion.ledger_gaps import read_ledger_state, troubles_of_gaps
    from quality.health import main
    from quality.judging import judge, room, troubles_of_data
    from warehouse.ledger import utc_now
    from warehouse.releases import Releases

    def judged(source: "Source", connection: "DuckDBPyConnection") -> "Verdict":
        gaps = troubles_of_gaps(read_ledger_state(connection), utc_now())
        published_at = Releases().switched_at() if source.release else None
        return judge(gaps, troubles_of_data(connection), room(), published_at=published_at)

    return main(as_arguments({"--live": live, "--json": as_json}), judged=judged, prog="nyc health")


def quarantine(
    live: Live = False,
    as_json: Json = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FEED:PERIOD", help="Accept that so many rows of a file were rejected, until it is replaced."
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why it is accepted: one line.")] = None,
) -> int:
    """Show the rejected rows and why, or accept them."""
    from quality.quarantine import main

    options = {"--live": live, "--json": as_json, "--accept": accept, "--reason": reason}
    return main(as_arguments(options), prog="nyc quarantine")


def summary(live: Live = False, as_json: Json = False) -> int:
    """Show where every published row is."""
    from warehouse.summary import main

    return main(as_arguments({"--live": live, "--json": as_json}), prog="nyc summary")


def compact(
    force: Annotated[bool, typer.Option("--force", help="However little there is to gain.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is to gain.")] = False,
) -> int:
    """Give free space back to the disk.

    Does nothing where less than a fifth of the DuckDB file is free.
    """
    from warehouse.compact import main

    return main(as_arguments({"--force": force, "--dry-run": dry_run}), prog="nyc compact")


def maintain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is to do.")] = False,
    as_json: Json = False,
) -> int:
    """Give back what nobody needs any more.

    Old releases, old rows of the ledger, old runs of Dagster, and what was left by what was killed. Looks whether the
    files of all releases are whole. Waits for nobody: what is in use, the next maintenance does.
    """
    from ingestion.maintenance import ingestion_items
    from quality.maintenance import quality_items
    from warehouse.maintenance import Item, warehouse_items
    from warehouse.maintenance.command import main

    def items() -> list[Item]:
        dagster = Item("Dagster", _maintain_dagster)
        return [*ingestion_items(), *warehouse_items(), *quality_items(), dagster]

    return main(as_arguments({"--dry-run": dry_run, "--json": as_json}), items=items, prog="nyc maintain")


def alerts(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell nobody; only say what would be told.")] = False,
    as_json: Json = False,
) -> int:
    """Tell people what is wrong, once each, and what to do.

    By Slack and e-mail, as .env says: for whoever has no Dagster running. Run it by cron.
    """
    from monitoring.alerts.command import main

    return main(as_arguments({"--dry-run": dry_run, "--json": as_json}), prog="nyc alerts")


def _maintain_dagster(dry_run: bool) -> "Found":
    """Imported only when it is its turn: Dagster may be absent, and takes seconds to import."""
    from warehouse.maintenance.items import nothing

    if not os.environ.get("DAGSTER_HOME"):
        return nothing("DAGSTER_HOME is not set")
    try:
        from orchestration.retention import dagster_item
    except ModuleNotFoundError as error:
        if str(error.name).startswith("dagster"):
            return nothing("Dagster is not installed")
        raise
    return dagster_item().work(dry_run)


def copy_history(
    to: Annotated[str, typer.Option("--to", metavar="STORAGE", help="postgres or sqlite.")],
    as_json: Json = False,
) -> int:
    """Copy Dagster's history from SQLite to Postgres, or back.

    Runs with their logs, ticks, backfills, and what sensors remember. Dagster must be stopped, and the target empty.
    The settings DAGSTER_PG_... name the database, DAGSTER_HOME the instance.
    """
    try:
        from orchestration.instances.command import main
    except ModuleNotFoundError as error:
        if not str(error.name).startswith("dagster"):
            raise
        print("nyc copy-history: expected Dagster, but it is not installed: `make setup`", file=sys.stderr)
        return ExitCode.FAILED

    return main(as_arguments({"--to": to, "--json": as_json}), prog="nyc copy-history")


def metrics_server(
    address: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where to listen; 127.0.0.1.")] = None,
    port: Annotated[str | None, typer.Option(metavar="PORT", help="0 takes a free one; 9464.")] = None,
) -> int:
    """Serve figures to Prometheus.

    What the ledger, the releases, the disks and Dagster's storage say, at /metrics, until it is stopped by Ctrl-C or
    SIGTERM. It waits for nobody, and nobody waits for it.
    """
    try:
        from monitoring.command import serve
    except ModuleNotFoundError as error:
        return _without_prometheus("nyc metrics-server", error)
    return serve(as_arguments({"--address": address, "--port": port}), prog="nyc metrics-server")


def metrics_push() -> int:
    """Push figures to a Pushgateway, once.

    To PROMETHEUS_PUSHGATEWAY_URL: the rows of tables, and how long they took. Dagster does so after each run.
    """
    try:
        from monitoring.command import push
    except ModuleNotFoundError as error:
        return _without_prometheus("nyc metrics-push", error)
    return push([], prog="nyc metrics-push")


def _without_prometheus(command: str, error: ModuleNotFoundError) -> int:
    if not str(error.name).startswith("prometheus_client"):
        raise error
    print(f"{command} needs prometheus_client. Install: poetry install --extras monitoring", file=sys.stderr)
    return ExitCode.FAILED


def register(app: typer.Typer) -> None:
    """Add the commands to `nyc`, in the order of its help."""
    for command in (
        health,
        quarantine,
        summary,
        compact,
        maintain,
        copy_history,
        alerts,
        metrics_server,
        metrics_push,
    ):
        app.command(epilog=examples(command.__name__.replace("_", "-")))(command)
