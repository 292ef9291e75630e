"""What publishers have and the raw tables have not, of all time: for whoever loads whatever is new."""

from collections.abc import Iterable, Mapping
from datetime import date

from ingestion.feeds import Feed
from ingestion.gap_survey import ask
from ingestion.partitions import Partition, partitions_between
from ingestion.publication import Gap, reason_accepted, state_of
from warehouse.accepted_gaps import AcceptedGaps, read_accepted_gaps
from warehouse.connection import open_for_reading
from warehouse.ledger import Watermark, read_watermarks
from warehouse.paths import database_path
from warehouse.periods import Grain, Period, moment


def new_partitions(feeds: Iterable[Feed], now: date) -> tuple[list[Partition], dict[str, str]]:
    """The periods of these feeds that have ended, are published, and are not loaded as they are, by time.

    All from the first period on, however late a file came, but what a person has accepted as it is. `now` is in UTC.
    Returns also why a publisher could not be asked; its periods are left out then.

    Raises:
        WarehouseError: the DuckDB file cannot be opened.
    """
    watermarks: Mapping[tuple[str, str], Watermark] = {}
    accepted: AcceptedGaps = {}
    if database_path().exists():
        with open_for_reading() as connection:
            watermarks, accepted = read_watermarks(connection), read_accepted_gaps(connection)
    today = Period(Grain.DAY, moment(now))
    every = [one for feed in feeds for one in partitions_between([feed], feed.first_period, today)]
    answers, unreachable = ask(one for one in every if one.period.has_ended(now))
    found = []
    for partition, answer in answers.items():
        if answer is None:
            continue
        key = partition.feed.name, partition.key
        loaded = watermarks.get(key)
        state = state_of(partition, loaded, answer, now)
        if state.is_to_load and reason_accepted(Gap(state), accepted.get(key, ()), loaded, answer) is None:
            found.append(partition)
    return sorted(found, key=lambda partition: partition.period.start), unreachable
