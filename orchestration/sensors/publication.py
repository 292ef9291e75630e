"""The publication sensor: requests the run that loads a file which is new or replaced at its publisher."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg

from ingestion.catalog import Catalog
from ingestion.errors import DownloadError
from ingestion.fetch.retries import RetryPolicy
from ingestion.partitions import Partition
from ingestion.publication import NOT_ASKED, Answer, is_worth_asking
from ingestion.publishers import Visits
from orchestration.assets.subjects import subject_tags
from orchestration.execution.runs_of_job import described, run_on_its_way
from orchestration.jobs.ingestion import ingestion_job_name, load_op_name
from orchestration.jobs.ingestion_config import IngestionOptions
from orchestration.jobs.streams import Job
from orchestration.sensors.publication_plan import (
    PublicationCursor,
    Wanted,
    WantedRun,
    Watermarks,
    from_next,
    new_of,
    requested_after,
    run_key_of,
    runs_of,
    wanted_of,
    watched_partitions,
)
from warehouse.accepted_gaps import AcceptedGaps, read_accepted_gaps
from warehouse.connection import WarehouseBusyError, open_for_reading
from warehouse.ledger import read_watermarks
from warehouse.paths import database_path
from warehouse.periods import Grain

_INTERVAL_VARIABLE = "PUBLICATION_INTERVAL_SECONDS"
_DEFAULT_INTERVAL_SECONDS = 3600

# How many periods of each feed are watched, unless an environment variable says otherwise.
_DEFAULT_COUNTS = {Grain.MONTH: 6, Grain.DAY: 10, Grain.HOUR: 48}
_LOCK_TIMEOUT_SECONDS = 2
_NOTHING_LOADED = "nothing is loaded yet, so there is no feed to watch; load a file first"


@dataclass(frozen=True)
class Patience:
    """How long a tick may take. Dagster ends one after 60 seconds and forgets what it found.

    After `tick_seconds` no further question is asked. A question is up to five requests: for the publisher's listing,
    and for each name that the file may have.
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

    `wanted` are those to load. `unseen` are those without an answer, and `next` is the first of them that was not
    asked for. `failures` say why publishers could not be asked.
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
    partitions: Iterable[Partition], watermarks: Watermarks, accepted: AcceptedGaps, now: datetime, patience: Patience
) -> Round:
    """Ask the publishers for the files of these partitions, for as long as the patience lasts.

    After its first failure a publisher is not asked again in this tick. The next tick begins after that file, so that
    one without an answer does not keep its publisher's other files from being watched.
    """
    found, begun = Round(), time.monotonic()
    partitions = list(partitions)
    with Visits(partitions, patience.policy) as visits:
        for partition in partitions:
            publisher = partition.feed.publisher.name
            loaded = watermarks.get((partition.feed.name, partition.key))
            answer: Answer = NOT_ASKED
            if is_worth_asking(partition, loaded, now) and partition.feed.publisher.can_be_asked:
                if publisher in found.failures or time.monotonic() - begun > patience.tick_seconds:
                    found.leave(partition)
                    continue
                try:
                    answer = visits.to(partition).ask(partition)
                except DownloadError as error:
                    found.failures[publisher] = str(error)
                    found.unseen.append(partition)
                    continue
            if wanted := wanted_of(partition, watermarks, accepted, answer, now):
                found.wanted.append(wanted)
    return found


def counts_watched(environment: Mapping[str, str] = os.environ) -> dict[Grain, int]:
    """How many periods of a feed are watched, by the feed's grain.

    Raises:
        ValueError: an environment variable is not a whole number from 1 on.
    """
    return {grain: _count_watched(grain, environment) for grain in Grain}


def _count_watched(grain: Grain, environment: Mapping[str, str]) -> int:
    return _number(f"PUBLICATION_{grain.name}S_WATCHED", f"{grain}s", _DEFAULT_COUNTS[grain], environment)


def interval_seconds(environment: Mapping[str, str] = os.environ) -> int:
    """How often the sensor of all feeds asks the publishers.

    Raises:
        ValueError: the environment variable is not a whole number from 1 on.
    """
    return _number(_INTERVAL_VARIABLE, "seconds", _DEFAULT_INTERVAL_SECONDS, environment)


def _number(variable: str, what: str, default: int, environment: Mapping[str, str]) -> int:
    text = environment.get(variable) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{variable}: expected a number of {what} from 1 on, such as {default}, but got {text!r}")
    return int(text)


@dataclass(frozen=True)
class Watch:
    """A sensor that watches publishers: its name, which feeds it watches, and how often it looks.

    `feeds` are names; None for all of the catalog. `interval_seconds` is how often it looks; None for as often as the
    environment says. `periods` is how many periods of a feed are watched; None for as
    many as the environment says. Feeds of which nothing is loaded are watched only if `is_watched_from_the_first`.
    `job_name` is the job that loads whatever is new of these feeds; None for the ingestion jobs, which are told what.
    """

    name: str
    description: str
    feeds: tuple[str, ...] | None = None
    interval_seconds: int | None = None
    periods: int | None = None
    job_name: str | None = None
    is_watched_from_the_first: bool = False

    def catalog(self, catalog: Catalog) -> Catalog:
        """The part of a catalog that is watched."""
        return catalog if self.feeds is None else catalog.only(self.feeds)

    def counts(self) -> dict[Grain, int]:
        """How many periods are watched, by grain.

        Raises:
            ValueError: an environment variable is not a whole number from 1 on.
        """
        return counts_watched() if self.periods is None else dict.fromkeys(Grain, self.periods)


WATCH_ALL = Watch(
    "publication_sensor",
    "Asks the publishers for the headers or the listing of recent files. Requests the run that loads a new or replaced "
    "file and builds what follows from it, once for each state of the file.",
)


def publication_sensor_of(catalog: Catalog, jobs: Sequence[Job], watch: Watch = WATCH_ALL) -> dg.SensorDefinition:
    """The sensor that watches feeds of a catalog and requests runs of these jobs."""
    requested = {watch.job_name} if watch.job_name else _ingestion_jobs_of(watch.catalog(catalog))

    @dg.sensor(
        name=watch.name,
        jobs=[job for job in jobs if job.name in requested],
        minimum_interval_seconds=watch.interval_seconds or interval_seconds(),
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=watch.description,
    )
    def publication_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        return _look(context, catalog, watch)

    return publication_sensor


def _ingestion_jobs_of(catalog: Catalog) -> set[str]:
    return {ingestion_job_name(grain) for grain in catalog.grains}


def _look(context: dg.SensorEvaluationContext, catalog: Catalog, watch: Watch) -> dg.SensorResult | dg.SkipReason:
    """Look for new and replaced files of every watched feed that has something loaded."""
    # Its job loads whatever is new when it starts. What comes after that, the next tick finds.
    if watch.job_name and (run := run_on_its_way(context.instance, watch.job_name)):
        return dg.SkipReason(f"{described(run)}; the next tick looks again")
    watermarks: Watermarks = {}
    accepted: AcceptedGaps = {}
    try:
        if database_path().exists():
            with open_for_reading(_LOCK_TIMEOUT_SECONDS) as connection:
                watermarks, accepted = read_watermarks(connection), read_accepted_gaps(connection)
        elif not watch.is_watched_from_the_first:
            return dg.SkipReason(_NOTHING_LOADED)
    except WarehouseBusyError as error:
        return dg.SkipReason(f"the DuckDB file is in use by {error.holder}; the next tick looks again")
    now = datetime.now(UTC).replace(tzinfo=None)
    cursor = _cursor(context)
    watched = watched_partitions(
        watch.catalog(catalog), watermarks, now, watch.counts(), is_from_the_first=watch.is_watched_from_the_first
    )
    found = ask_in_turn(from_next(watched, cursor), watermarks, accepted, now, PATIENCE)
    for failure in found.failures.values():
        context.log.warning(failure)
    after = PublicationCursor(
        next=str(found.next) if found.next else None,
        requested=requested_after(cursor, found.wanted, found.unseen),
    )
    runs = runs_of(catalog, new_of(found.wanted, cursor))
    if watch.job_name:
        requests = [_request_for_all(runs)] if runs else []
    else:
        requests = [_run_request(catalog, run) for run in runs]
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else _nothing_new(watched, found),
        cursor=after.to_json(),
    )


def _cursor(context: dg.SensorEvaluationContext) -> PublicationCursor:
    try:
        return PublicationCursor.from_json(context.cursor)
    except ValueError as error:
        # This is harmless: what is loaded is not wanted, and a run key is used once.
        context.log.warning("Invalid cursor; starting over. %s", error)
        return PublicationCursor()


def _run_request(catalog: Catalog, run: WantedRun) -> dg.RunRequest:
    grain = run.period.grain
    if run.last == run.period:
        config = IngestionOptions(catalog, grain).config_of(run.period)
    else:
        config = {"from": run.period.key, "to": run.last.key}
    return dg.RunRequest(
        run_key=run.key,
        job_name=ingestion_job_name(grain),
        run_config={"ops": {load_op_name(grain): {"config": {**config, "sources": ",".join(run.feeds)}}}},
        tags={grain.value: run.period.key, "feeds": ".".join(run.feeds), **subject_tags([run.subject])},
    )


def _request_for_all(runs: Sequence[WantedRun]) -> dg.RunRequest:
    """The one run of a job that loads whatever is new."""
    feeds = dict.fromkeys(name for run in runs for name in run.feeds)
    return dg.RunRequest(
        run_key=run_key_of(runs),
        tags={"feeds": ".".join(feeds), **subject_tags(run.subject for run in runs)},
    )


def _nothing_new(watched: list[Partition], found: Round) -> str:
    """Why nothing is requested, with what could not be seen."""
    if not watched:
        return _NOTHING_LOADED
    said = [f"{len(watched) - len(found.unseen)} of {len(watched)} recent files looked at, none is new or replaced"]
    if found.wanted:
        said = [f"requested before and not loaded: {', '.join(str(one.partition) for one in found.wanted)}"]
    said += [f"{publisher} could not be asked: {reason}" for publisher, reason in found.failures.items()]
    if found.next:
        said.append(f"the next tick begins with {found.next}")
    return "; ".join(said)
