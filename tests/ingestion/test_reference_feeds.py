"""A reference feed is one file of no month: it is loaded whatever is asked, and is no month of its subject."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from ingestion.catalog import CATALOG, FEEDS
from ingestion.gap_survey import NothingLoadedError, survey
from ingestion.pipeline import Status, ingest
from ingestion.publication import Gap, State
from ingestion.run_pipeline import main, parse_arguments
from orchestration.assets.partitions import dagster_key, partition_of, partitions_definition
from orchestration.jobs.ingestion_config import IngestionOptions
from orchestration.sensors.publication_plan import watched_partitions
from sandbox.server import SamplePublisher
from warehouse.connection import open_for_reading
from warehouse.ledger import read_watermarks
from warehouse.periods import Grain, Period, month

MARCH = date(2025, 3, 1)
NOW = datetime(2025, 6, 1)
ZONES = FEEDS["taxi_zones"]


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SamplePublisher]:
    with SamplePublisher(MARCH, MARCH, rows=300, folder=tmp_path / "published") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.mark.parametrize(
    "range_",
    [[], ["--year", "2025", "--months", "1,2,3"], ["--from", "2024-01", "--to", "2025-02"], ["--from", "2025-01-05"]],
)
def test_whatever_range_is_asked_for_it_is_one_partition(range_: list[str]) -> None:
    to = ["--to", "2025-01-07"] if range_ == ["--from", "2025-01-05"] else []
    _, partitions = parse_arguments(["--sources", "taxi_zones", *range_, *to])
    assert [str(partition) for partition in partitions] == ["taxi_zones 2009-01"]


def test_other_feeds_need_a_range_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--sources", "taxi_zones,green"])
    assert "expected either --year and --months, or --from and --to" in capsys.readouterr().err


def test_it_is_loaded_beside_the_trip_data_once_and_again_when_it_is_replaced(
    publisher: SamplePublisher, database: Path
) -> None:
    assert main(["--sources", "taxi_zones"]) == 0
    assert main(["--from", "2025-03", "--to", "2025-03", "--sources", "green,taxi_zones"]) == 0
    answers = [(entry.path, entry.status) for entry in publisher.requests if "misc" in entry.path]
    assert answers == [("/misc/taxi_zones.zip", 200), ("/misc/taxi_zones.zip", 304)]

    publisher.replace("taxi_zones", MARCH)
    (planned,) = survey("taxi_zones", None, None, now=NOW).plan
    assert (planned.state, planned.gaps) == (State.REPLACED, (Gap.REPLACED,))
    assert main(["--sources", "taxi_zones"]) == 0
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("select count(*), max(source_row) from raw_data.taxi_zone_shapes").fetchall() == [
            (264, 263)  # one shape more than before
        ]


@pytest.mark.usefixtures("publisher", "database")
def test_it_is_never_thin_and_no_month_to_begin_from() -> None:
    main(["--sources", "taxi_zones"])
    with pytest.raises(NothingLoadedError):
        survey("green,taxi_zones", None, None, now=NOW, is_offline=True)

    main(["--from", "2025-03", "--to", "2025-03", "--sources", "green"])
    plan = survey(None, None, month(2025, 3), now=NOW, is_offline=True).plan
    assert {str(one.partition) for one in plan if one.partition.feed.name in ("green", "taxi_zones")} == {
        "green 2025-03",
        "taxi_zones 2009-01",
    }
    (zones,) = (one for one in plan if one.partition.feed is ZONES)
    assert (zones.state, zones.gaps) == (State.LOADED, ())


@pytest.mark.usefixtures("database")
def test_where_it_is_not_published_the_load_says_so(
    publisher: SamplePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__TLC__BASE_URL", f"{publisher.url}/a/mirror/trip-data")
    assert main(["--sources", "taxi_zones"]) == 3


def test_in_dagster_it_is_one_partition_which_goes_with_every_month() -> None:
    definition = partitions_definition(ZONES)
    (key,) = definition.get_partition_keys()
    assert (key, str(partition_of(ZONES, key))) == ("2009-01-01", "taxi_zones 2009-01")

    options = IngestionOptions(CATALOG, Grain.MONTH)
    config = options.to_load({"year": 2025, "months": [1, 2], "sources": "green,taxi_zones"})
    assert sorted(map(str, options.partitions(config))) == ["green 2025-01", "green 2025-02", "taxi_zones 2009-01"]
    assert dagster_key(options.partitions(config)[0]) in {"2009-01-01", "2025-01-01"}


@pytest.mark.usefixtures("publisher", "database")
def test_the_publication_sensor_watches_it_once_it_is_loaded() -> None:
    (result,) = ingest([partition_of(ZONES, "2009-01-01")])
    assert result.status is Status.LOADED
    with open_for_reading() as connection:
        watermarks = read_watermarks(connection)
    watched = watched_partitions(CATALOG, watermarks, datetime.now(UTC).replace(tzinfo=None), {Grain.MONTH: 3})
    assert [str(partition) for partition in watched] == ["taxi_zones 2009-01"]


def test_any_date_is_in_its_one_period() -> None:
    assert ZONES.period_of(date(2025, 1, 31)) == ZONES.first_period == Period(Grain.MONTH, datetime(2009, 1, 1))
