"""The publication sensor: requests `monthly_ingestion` for each month that is new or replaced at its publisher."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import dagster as dg

from ingestion.errors import DownloadError
from ingestion.fetch.retries import RetryPolicy
from ingestion.partitions import Partition
from ingestion.publication import NOT_ASKED, Answer, is_worth_asking
from ingestion.publishers import Visits
from orchestration.sensors.publication_plan import (
    Cursor,
    Wanted,
    Watermarks,
    by_month,
    from_next,
    new_of,
    requested_after,
    run_key,
    wanted_of,
    watched_partitions,
)
from warehouse.accepted_gaps import AcceptedGaps, read_accepted_gaps
from warehouse.connection import WarehouseBusyError, open_for_reading
from warehouse.ledger import read_watermarks
from warehouse.paths import database_path
from warehouse.periods import Period

MONTHS_VARIABLE = "PUBLICATION_MONTHS_WATCHED"
_DEFAULT_MONTHS = 6
_LOCK_TIMEOUT_SECONDS = 2


@dataclass(frozen=True)
class Patience:
    """How long a tick may take: Dagster ends one after 60 seconds and forgets what it found.

    After `tick_seconds` no further question is asked. A question is up to five requests: for the publisher's listing,
    and for each name that the registry has.
    """

    tick_seconds: float = 15
    connect_seconds: float = 3
    answer_seconds: float = 5

    @property
    def policy(self) -> RetryPolicy:
        """What is not answered is asked again by the next tick. A listing that takes longer is done without."""
        return RetryPolicy(
            attempts=1,
            attempts_if_unreachable=1,
            connect_timeout_seconds=self.connect_seconds,
            read_timeout_seconds=self.answer_seconds,
            listing_seconds=self.answer_seconds,
        )


PATIENCE = Patience()


@dataclass
class Round:
    """What came of asking for partitions in turn.

    `wanted` are those to load, `unseen` those that it is not known of, and `next` is the first of these that
    was not asked for. `failures` say why publishers could not be asked.
    """

    wanted: list[Wanted] = field(default_factory=list)
    unseen: list[Partition] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    next: Partition | None = None

    def leave(self, partition: Partition) -> None:
        """Leave a partition to the next tick."""
        self.unseen.append(partition)
        self.next = self.next or partition


def ask_in_turn(
    partitions: Iterable[Partition], watermarks: Watermarks, accepted: AcceptedGaps, today: date, patience: Patience
) -> Round:
    """Ask the publishers for the files of these partitions, for as long as the patience lasts.

    The first failure ends the asking of a publisher for this tick; the next tick begins after it, so that a file
    that is never answered for does not keep its publisher's other files from being watched.
    """
    found, begun = Round(), time.monotonic()
    partitions = list(partitions)
    with Visits(partitions, patience.policy) as visits:
        for partition in partitions:
            publisher = partition.feed.publisher.name
            loaded = watermarks.get((partition.feed.name, partition.key))
            answer: Answer = NOT_ASKED
            if is_worth_asking(partition, loaded, today) and partition.feed.publisher.can_be_asked:
                if publisher in found.failures or time.monotonic() - begun > patience.tick_seconds:
                    found.leave(partition)
                    continue
                try:
                    answer = visits.to(partition).ask(partition)
                except DownloadError as error:
                    found.failures[publisher] = str(error)
                    found.unseen.append(partition)
                    continue
            if wanted := wanted_of(partition, watermarks, accepted, answer, today):
                found.wanted.append(wanted)
    return found


def months_watched() -> int:
    """How many months of each feed are watched.

    Raises:
        ValueError: the environment variable is no whole number from 1 on.
    """
    text = os.environ.get(MONTHS_VARIABLE) or str(_DEFAULT_MONTHS)
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{MONTHS_VARIABLE}: expected a number of months from 1 on, such as 6, but got {text!r}")
    return int(text)


@dg.sensor(
    job_name="monthly_ingestion",
    minimum_interval_seconds=3600,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Asks the publishers for the headers or the listing of recent files, and requests the run that loads a "
    "new or replaced month and builds what follows from it, once for each state of the file.",
)
def publication_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Look for new and replaced months of every feed that has something loaded."""
    if not database_path().exists():
        return dg.SkipReason("nothing is loaded yet, so that there is no feed to watch; load a month first")
    try:
        with open_for_reading(_LOCK_TIMEOUT_SECONDS) as connection:
            watermarks, accepted = read_watermarks(connection), read_accepted_gaps(connection)
    except WarehouseBusyError as error:
        return dg.SkipReason(f"the DuckDB file is in use by {error.holder}; the next tick looks again")
    today = datetime.now(UTC).date()
    cursor = _cursor(context)
    watched = watched_partitions(watermarks, today, months_watched())
    found = ask_in_turn(from_next(watched, cursor), watermarks, accepted, today, PATIENCE)
    for failure in found.failures.values():
        context.log.warning(failure)
    after = Cursor(
        next=str(found.next) if found.next else None,
        requested=requested_after(cursor, found.wanted, found.unseen),
    )
    requests_ = [_run_request(month, wanted) for month, wanted in by_month(new_of(found.wanted, cursor))]
    return dg.SensorResult(
        run_requests=requests_,
        skip_reason=None if requests_ else _nothing_new(watched, found),
        cursor=after.to_json(),
    )


def _cursor(context: dg.SensorEvaluationContext) -> Cursor:
    try:
        return Cursor.from_json(context.cursor)
    except ValueError as error:
        # Starting over is harmless: what is loaded is not wanted, and a run key is used once.
        context.log.warning("starting over: the cursor is none of this sensor: %s", error)
        return Cursor()


def _run_request(month: Period, wanted: list[Wanted]) -> dg.RunRequest:
    sources = ",".join(one.partition.feed.name for one in wanted)
    config = {"year": month.start.year, "month": month.start.month, "sources": sources}
    return dg.RunRequest(
        run_key=run_key(month, wanted),
        run_config={"ops": {"monthly_dlt_ingestion": {"config": config}}},
        tags={"month": month.key, "feeds": sources.replace(",", ".")},
    )


def _nothing_new(watched: list[Partition], found: Round) -> str:
    """Why nothing is requested, with what could not be seen."""
    if not watched:
        return "nothing is loaded yet, so that there is no feed to watch; load a month first"
    said = [f"{len(watched) - len(found.unseen)} of {len(watched)} recent files looked at, none is new or replaced"]
    if found.wanted:
        said = [f"requested before and not loaded: {', '.join(str(one.partition) for one in found.wanted)}"]
    said += [f"{publisher} could not be asked: {reason}" for publisher, reason in found.failures.items()]
    if found.next:
        said.append(f"the next tick begins with {found.next}")
    return "; ".join(said)
