"""The backfills of minute files by prefix, in process, against the sandbox's bucket."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml

from ingestion.catalog import CATALOG
from ingestion.markets.trading_days import trading_days
from orchestration import defs
from orchestration.markets.prefixes import EXAMPLE, FOLDER, days_of
from sandbox.faults import Fault
from sandbox.server import SamplePublisher
from warehouse.releases import Releases

# With Thanksgiving, which has no file, and the half-day after it.
FIRST, THANKSGIVING, LAST = date(2025, 11, 24), date(2025, 11, 27), date(2025, 12, 5)
NOVEMBER, DECEMBER = f"{FOLDER}2025/11/", f"{FOLDER}2025/12/"
DAYS = sorted(trading_days(FIRST, LAST))
JOBS = ("backfill_sequential_job", "backfill_parallel_job")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    """Two weeks are published."""
    with SamplePublisher(FIRST, LAST, rows=200) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def _config(job: str, prefix: str, **config: object) -> dict[str, Any]:
    return {"ops": {job.removesuffix("_job"): {"config": {"prefix": prefix, **config}}}}


def _key(day: date) -> str:
    return f"{FOLDER}{day:%Y/%m/%Y-%m-%d}.csv.gz"


def _run(job: str, prefix: str, *ops: str, **config: object) -> dg.ExecuteInProcessResult:
    """Run a job, or only these of its ops."""
    return defs.resolve_job_def(job).execute_in_process(
        run_config=_config(job, prefix, **config), raise_on_error=False, op_selection=ops or None
    )


def _load(kind: str, prefix: str, **config: object) -> bool:
    """Run the step of a job that loads; whether it succeeded."""
    return _run(f"backfill_{kind}_job", prefix, f"backfill_{kind}", **config).success


def _rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query).fetchall()


def _loads(database: Path) -> list[int]:
    """How many partitions each run of ingestion loaded, one after the other."""
    return [
        count
        for (count,) in _rows(
            database,
            "select count(*) filter (assets.status = 'loaded') from meta.ingestion_runs as runs"
            " left join meta.ingestion_run_assets as assets using (run_id)"
            " where kind = 'ingestion' group by run_id, started_at order by started_at",
        )
    ]


@pytest.mark.usefixtures("bucket", "logs")
def test_a_backfill_loads_builds_validates_checks_and_publishes_and_the_next_one_loads_nothing(database: Path) -> None:
    result = _run("backfill_parallel_job", _key(FIRST))
    assert result.success, [event.step_failure_data.error for event in result.get_step_failure_events()]
    assert [node.name for node in result.job_def.nodes_in_topological_order] == [
        "backfill_parallel",
        "dbt_build",
        "validate_day",
        "check_quality",
        "publish",
    ]
    state = "select published, kept, quarantined, lost, is_built from core_checks.reconciliation"
    assert _rows(database, f"{state} where feed = 'minute_aggs'") == [(200, 200, 0, 0, True)]
    ledger = "select started_by, dagster_run_id, status from meta.ingestion_runs where kind = 'ingestion'"
    assert _rows(database, ledger) == [("dagster", result.run_id, "success")]
    assert len(Releases().all()) == 1
    built = {event.asset_key.path[-1]: event for event in result.get_asset_materialization_events() if event.asset_key}
    assert built["minute_aggs"].partition == f"{FIRST}"
    assert "silver_minute_aggs" in built

    assert _load("parallel", _key(FIRST))
    assert _loads(database) == [1, 0]


@pytest.mark.usefixtures("logs")
def test_days_are_loaded_one_at_a_time_or_in_batches_once_and_again_where_asked(
    bucket: SamplePublisher, database: Path
) -> None:
    assert _load("parallel", NOVEMBER, batch_size=15)
    assert _loads(database) == [0, 4]
    bucket.replace("minute_aggs", FIRST)
    assert _load("sequential", NOVEMBER)
    assert sum(_loads(database)[2:]) == 1, "the day that was replaced"
    assert len(_loads(database)[2:]) == len(days_of(NOVEMBER, CATALOG)), "a run of ingestion for each day"
    assert _load("parallel", DECEMBER)
    assert _loads(database)[-1] == 5
    assert _load("parallel", NOVEMBER)
    assert _loads(database)[-1] == 0, "all is loaded"
    assert _load("parallel", NOVEMBER, overwrite=True)
    assert _loads(database)[-1] == 4
    assert _rows(database, "select count(*), count(distinct source_date) from raw_data.minute_aggs") == [(1_807, 9)]


@pytest.mark.usefixtures("bucket", "logs", "database")
@pytest.mark.parametrize("job", JOBS)
def test_days_that_are_not_published_yet_are_no_failure_of_a_backfill(job: str) -> None:
    """The steps that follow are asked for those that are there: a prefix stands for keys, not for days."""
    result = _run(job, NOVEMBER, job.removesuffix("_job"))
    loaded = result.output_for_node(job.removesuffix("_job"))
    assert [(one.period.first_day, one.feeds) for one in loaded] == [(day, ("minute_aggs",)) for day in DAYS[:4]]


@pytest.mark.usefixtures("logs")
def test_a_file_of_a_holiday_is_among_those_of_its_prefix(bucket: SamplePublisher, database: Path) -> None:
    bucket.break_("minute_aggs", THANKSGIVING, Fault.UNEXPECTED)
    result = _run("backfill_parallel_job", NOVEMBER, "backfill_parallel")
    loaded = result.output_for_node("backfill_parallel")
    assert {one.period.first_day for one in loaded} == {*DAYS[:4], THANKSGIVING}
    assert _rows(database, "select count(distinct source_date) from raw_data.minute_aggs") == [(5,)]


@pytest.mark.usefixtures("logs", "database")
def test_a_day_outside_the_subscription_fails_the_run_with_the_reason_and_the_others_are_loaded(
    bucket: SamplePublisher, database: Path
) -> None:
    bucket.break_("minute_aggs", DAYS[1], Fault.FORBIDDEN)
    result = _run("backfill_parallel_job", NOVEMBER, "backfill_parallel")
    (failure,) = result.get_step_failure_events()
    said = str(failure.step_failure_data.error)
    assert f"minute_aggs {DAYS[1]}: " in said
    assert "403 AccessDenied): it is outside their subscription" in said
    assert not [event for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY]
    assert _loads(database) == [3]


@pytest.mark.usefixtures("bucket", "logs", "database")
def test_a_prefix_of_which_nothing_is_published_fails_at_once_and_says_so() -> None:
    (failure,) = _run("backfill_parallel_job", f"{FOLDER}2025/10/", "backfill_parallel").get_step_failure_events()
    said = str(failure.step_failure_data.error)
    assert "expected files of minute_aggs, but none is published (yet). Run the job again later." in said


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("", "expected the beginning of keys, up to a folder or a whole key, such as"),
        ("us_stocks_sip/minute_aggs_v1/2026/01", EXAMPLE),
        ("us_stocks_sip/minute_aggs_v1/2026/1/", EXAMPLE),
        ("us_stocks_sip/minute_aggs_v1/2026/01/2026-01", EXAMPLE),
        ("us_stocks_sip/minute_aggs_v1/2026/01/2026-01-05.csv", EXAMPLE),
        ("us_stocks_sip/day_aggs_v1/2026/01/", EXAMPLE),
        ("flatfiles/us_stocks_sip/minute_aggs_v1/2026/01/", EXAMPLE),
        ("/us_stocks_sip/minute_aggs_v1/2026/01/", EXAMPLE),
        ("us_stocks_sip/minute_aggs_v1/../../2026/01/", EXAMPLE),
        ("us_stocks_sip/minute_aggs_v1/2026/01/\n", EXAMPLE),
        ("us_stocks_sip/minute_aggs_v1/\u0968\u0966\u0968\u096c/01/", EXAMPLE),
        ("us_stocks_sip/minute_aggs_v1/2026/01/'; drop table raw_data.minute_aggs; --", EXAMPLE),
        ("x" * 5000, "x" * 100),
        ("us_stocks_sip/minute_aggs_v1/2026/13/", "expected a month as YYYY-MM"),
        ("us_stocks_sip/minute_aggs_v1/2026/02/2026-02-30.csv.gz", "expected a day as YYYY-MM-DD"),
        ("us_stocks_sip/minute_aggs_v1/2026/01/2026-02-03.csv.gz", "2026-02-03 is in another folder than 2026/01"),
        ("us_stocks_sip/minute_aggs_v1/2026/01/2026-01-19.csv.gz", "stands for no trading day from 2003-09-10 until"),
        ("us_stocks_sip/minute_aggs_v1/2026/01/2026-01-03.csv.gz", "stands for no trading day"),
        ("us_stocks_sip/minute_aggs_v1/1999/", "stands for no trading day from 2003-09-10 until today"),
        ("us_stocks_sip/minute_aggs_v1/2999/01/", "stands for no trading day"),
    ],
)
def test_a_wrong_prefix_is_refused_before_there_is_a_run(job: str, prefix: str, said: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises(dg.DagsterInvalidConfigError) as refused:
            instance.create_run_for_job(defs.resolve_job_def(job), run_config=_config(job, prefix))
        first = str(refused.value).splitlines()[0]
        assert first.startswith("No run was started: prefix: ")
        assert said in first
        assert len(first) < 600
        assert refused.value.__cause__ is None
        assert instance.get_runs() == []


@pytest.mark.parametrize(
    ("job", "config", "said"),
    [
        ("backfill_parallel_job", {"batch_size": -1}, "batch_size: expected 0 or more files, but got -1"),
        ("backfill_parallel_job", {"batch_size": "all"}, 'not valid for expected type "Int"'),
        ("backfill_parallel_job", {"overwrite": "yes"}, 'not valid for expected type "Bool"'),
        ("backfill_sequential_job", {"batch_size": 2}, 'unexpected config entry "batch_size"'),
    ],
)
def test_other_wrong_values_are_refused_too(job: str, config: dict[str, object], said: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises(dg.DagsterInvalidConfigError) as refused:
            instance.create_run_for_job(defs.resolve_job_def(job), run_config=_config(job, EXAMPLE, **config))
        assert said.lower() in str(refused.value).lower()
        assert instance.get_runs() == []


# As users of the earlier system have it in their notes.
_OF_THE_EARLIER_SYSTEM = """
ops:
  backfill_sequential:
    config:
      prefix: "us_stocks_sip/minute_aggs_v1/2026/01/"
      overwrite: false
---
ops:
  backfill_parallel:
    config:
      prefix: "us_stocks_sip/minute_aggs_v1/2026/01/"
      batch_size: 0  # 0 = all files at once
      overwrite: false
---
ops:
  build_silver_for_ticker:
    config:
      ticker: "AAPL"
      date: "2026-01-14"
"""


def test_the_config_of_the_earlier_system_is_taken_as_it_is() -> None:
    configs = list(yaml.safe_load_all(_OF_THE_EARLIER_SYSTEM))
    with dg.DagsterInstance.ephemeral() as instance:
        for job, config in zip((*JOBS, "silver_ticker_job"), configs, strict=True):
            instance.create_run_for_job(defs.resolve_job_def(job), run_config=config)
        assert len(instance.get_runs()) == 3


@pytest.mark.parametrize("job", JOBS)
def test_the_launchpad_begins_with_a_config_that_is_taken(job: str) -> None:
    definition = defs.resolve_job_def(job)
    assert definition.run_config
    with dg.DagsterInstance.ephemeral() as instance:
        instance.create_run_for_job(definition, run_config=definition.run_config)
        assert len(instance.get_runs()) == 1


@pytest.mark.parametrize(
    ("prefix", "first", "last", "count"),
    [
        (FOLDER, date(2003, 9, 10), date(2026, 1, 9), 5_620),
        (f"{FOLDER}2025/", date(2025, 1, 2), date(2025, 12, 31), 250),
        (NOVEMBER, date(2025, 11, 3), date(2025, 11, 28), 19),
        (f"{FOLDER}2026/01/", date(2026, 1, 2), date(2026, 1, 9), 6),
        (_key(FIRST), FIRST, FIRST, 1),
    ],
)
def test_a_prefix_stands_for_trading_days_until_today(prefix: str, first: date, last: date, count: int) -> None:
    found = [partition.period.first_day for partition in days_of(prefix, CATALOG, datetime(2026, 1, 9, 12))]
    assert (found[0], found[-1], len(found)) == (first, last, count)
