"""The platform, the floor and the peers make the same facts of the same files, and what differs is noticed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from benchmarks import samples
from benchmarks.bench import Bench
from benchmarks.peers import contestants as of_contestants
from benchmarks.peers import files
from benchmarks.peers.__main__ import main
from benchmarks.peers.command import STAGES, Options, parts_of
from benchmarks.peers.compare import (
    Digest,
    digest_of_database,
    digest_of_parquet,
    require_same_answers,
    require_same_fact,
)
from benchmarks.peers.contestants import Platform, contestants
from benchmarks.peers.facts import HOURLY
from benchmarks.peers.floor_ import run as floor
from benchmarks.peers.race import Race
from benchmarks.peers.registry import PEERS
from benchmarks.peers.table import conclusions, draw, markdown_of
from benchmarks.processes import BenchmarkError, Cost, Limits
from benchmarks.stages import FLOOR, PLATFORM, Results, Stage
from tests.benchmarks.forked import measure
from tests.benchmarks.test_report import ABOUT
from tests.dbt.small_warehouse import keep_parsed_project
from warehouse.sql import literal

TRIPS, MONTHS = 24_000, 2


@pytest.fixture(autouse=True, scope="module")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("samples")
    with pytest.MonkeyPatch.context() as patch:
        for module in (samples, files):
            patch.setattr(module, "FOLDER", folder)
        yield


def bench_in(folder: Path) -> Bench:
    folder.mkdir()
    return Bench(TRIPS, 1, "1GB", folder, Results(dict(ABOUT)))


def test_all_that_are_installed_but_spark_make_the_same_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Else dbt would parse the project first.
    monkeypatch.setattr(Platform, "prepare", lambda platform: keep_parsed_project(platform._dbt.target()))
    monkeypatch.setattr(of_contestants, "measure", measure)
    bench = bench_in(tmp_path / "work")
    # Spark starts nine times, for five minutes in all. Every race compares what it makes.
    others = [peer.name for peer in PEERS if peer.name != "pyspark"]
    taking_part, left_out = contestants(bench.folder, TRIPS, "1GB", Limits(seconds=300), others)
    not_installed = set(left_out)
    Race(bench, MONTHS, taking_part, left_out).run()
    assert set(left_out) == not_installed, "nobody failed, and all made the facts and gave the answers of the platform"
    for stage in (*STAGES, "load all"):
        measured = bench.results.find("peers", stage)
        assert measured is not None
        assert set(measured.turns[0]) == {each.name for each in taking_part} >= {PLATFORM, FLOOR}
    said = markdown_of(bench.results)
    assert all(f"| {each.name} |" in said for each in taking_part)
    assert "again: platform" in said
    draw(bench.results, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


@dataclass
class FloorInThisProcess:
    """The floor under some name, that does something wrong after a stage."""

    name: str
    store: Path
    wrong_after: str = ""
    wrong: str = "select 1"
    refreshed: list[int] = field(default_factory=list)

    def run(self, stage: str, files: Path, months: Sequence[str] = ()) -> Cost:
        self._do(stage, Options(files, self.store, tuple(months)))
        if stage == self.wrong_after:
            with duckdb.connect(str(self.store / "floor.duckdb")) as connection:
                connection.execute(self.wrong)
        if stage == "refresh":
            self.refreshed.append(self.digest("trips").rows)
        return Cost(1, 1, 1)

    def _do(self, stage: str, options: Options) -> None:
        self.store.mkdir(exist_ok=True)
        getattr(floor, "update" if stage in ("new", "again") else stage)(options)

    def prepare(self) -> None: ...

    def digest(self, fact: str) -> Digest:
        return digest_of_database(self.store / "floor.duckdb", fact)

    def answer(self, stage: str, files: Path, folder: Path) -> None:
        self._do(stage, Options(files, self.store, (), folder))


def test_every_turn_starts_from_the_same_history(tmp_path: Path) -> None:
    bench, left_out = bench_in(tmp_path / "work"), dict[str, str]()
    bench.runs = 2
    right = FloorInThisProcess(PLATFORM, bench.folder / "right")
    other = FloorInThisProcess("other", bench.folder / "other")
    Race(bench, MONTHS, [right, other], left_out).run()
    assert not left_out
    turns = {each.stage.name: len(each.turns) for each in bench.results.measurements.values()}
    assert turns == {"load": 2, "load all": 1, "refresh": 2, "new": 2, "again": 2, "metric": 2, "dashboards": 2}
    assert len(other.refreshed) == 2
    assert len(set(other.refreshed)) == 1, "without the month that was new in the first turn"


@pytest.mark.parametrize(
    ("stage", "wrong", "said"),
    [
        ("new", "delete from core_core.fct_trips where pickup_datetime = '2024-12-12 12:12:12'", ""),
        ("refresh", "delete from core_core.fct_trips where trip_id % 100 = 7", "refresh: .* trips, got [0-9,]+ rows"),
        ("again", "update core_core.fct_hourly_mobility set total_revenue = 1", "again: .*other values of total_rev"),
        ("again", "update core_core.fct_trips set is_sane = false where total_amount > 9", "other values of is_sane"),
    ],
)
def test_who_makes_other_facts_takes_no_further_part(stage: str, wrong: str, said: str, tmp_path: Path) -> None:
    bench, left_out = bench_in(tmp_path / "work"), dict[str, str]()
    right = FloorInThisProcess(PLATFORM, bench.folder / "right")
    other = FloorInThisProcess("other", bench.folder / "other", stage, wrong)
    Race(bench, MONTHS, [right, other], left_out).run()
    if said:
        assert re.search(said, left_out.pop("other"))
        measured = bench.results.find("peers", stage)
        assert measured is not None
        assert list(measured.turns[0]) == [PLATFORM]
        assert not other.store.exists(), "its disk is free for the others"
    assert not left_out


def hours(folder: Path, change: str = "select * from made") -> Path:
    """Hours of an hour each, exported as a peer does, after a change."""
    values = {"boolean": "(n % 2 = 0)", "date": "(date '2025-01-01' + n::int)", "varchar": "'citibike'"}
    columns = ", ".join(
        f"{values.get(type_, 'n')}::{type_} as {name}" for name, type_ in HOURLY.items() if name != "hour_timestamp"
    )
    (folder / "hourly" / "pickup_month=2025-01-01").mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(
            f"create table made as select timestamp '2025-01-01' + to_hours(n) as hour_timestamp, {columns}"
            " from range(1, 101) as numbers (n)"
        )
        connection.execute(f"copy ({change}) to {literal(folder / 'hourly' / 'pickup_month=2025-01-01' / '0.parquet')}")
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("from made where trip_count <> 7", "got 99 rows, not 100; other values"),
        ("select * replace (greatest(trip_count, 2) as trip_count) from made", "got other values of trip_count$"),
        ("select * replace (greatest(total_revenue, 1.01) as total_revenue) from made", "of total_revenue$"),
        ("select * replace (nullif(snowfall_cm, 7) as snowfall_cm) from made", "of snowfall_cm$"),
        ("select * replace (if(snowfall_cm = 7, 'nan', snowfall_cm) as snowfall_cm) from made", "of snowfall_cm$"),
        ("select * replace (101 - total_revenue as total_revenue) from made", "of total_revenue$"),
        ("select * replace (101 - trip_count as trip_count) from made", "the same values, but in other rows"),
    ],
)
def test_a_difference_is_noticed(change: str, said: str, tmp_path: Path) -> None:
    right = digest_of_parquet(hours(tmp_path / "right"), "hourly")
    with pytest.raises(BenchmarkError, match=f"expected polars to make the platform's hourly, .*{said}"):
        require_same_fact(right, digest_of_parquet(hours(tmp_path / "wrong", change), "hourly"), "hourly", "polars")


@pytest.mark.parametrize(
    "change",
    [
        "from made order by trip_count desc",
        "select * replace (trip_count::int as trip_count) from made",
        "select * replace (hour_timestamp at time zone 'UTC' as hour_timestamp) from made",
        "select * replace (total_revenue * (1 + 1e-14) as total_revenue) from made",
        "select * exclude (is_rain), 1 as further, is_rain from made",
    ],
)
def test_order_width_and_rounding_are_no_difference(change: str, tmp_path: Path) -> None:
    right = digest_of_parquet(hours(tmp_path / "right"), "hourly")
    require_same_fact(right, digest_of_parquet(hours(tmp_path / "alike", change), "hourly"), "hourly", "polars")


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"expected hourly as Parquet with all its columns .*is_snow"):
        digest_of_parquet(hours(tmp_path, "select * exclude (is_snow) from made"), "hourly")


def test_answers_may_differ_in_order_and_rounding_only(tmp_path: Path) -> None:
    def answer(name: str, rows: str) -> Path:
        (tmp_path / name).mkdir()
        duckdb.execute(
            f"copy (select * from (values {rows}) as t (day, trips)) to {literal(tmp_path / name / 'q.parquet')}"
        )
        return tmp_path / name

    right = answer("right", "(date '2025-01-01', 1.5), (date '2025-01-02', 2.5)")
    alike = answer("alike", "(timestamp '2025-01-02', 2.5 + 1e-12), (timestamp '2025-01-01', 1.5::double)")
    require_same_answers(right, alike, ["q"], "chdb")
    for name, rows in {
        "value": "(date '2025-01-01', 1.6), (date '2025-01-02', 2.5)",
        "row": "(date '2025-01-01', 1.5)",
        "null": "(date '2025-01-01', null), (date '2025-01-02', 2.5)",
    }.items():
        with pytest.raises(BenchmarkError, match="expected chdb to answer q as the platform does"):
            require_same_answers(right, answer(name, rows), ["q"], "chdb")
    with pytest.raises(BenchmarkError, match="found no such file"):
        require_same_answers(right, right, ["another"], "chdb")


def test_peers_answer_the_queries_of_the_dashboards() -> None:
    peers = Path(floor.__file__).parents[1]
    names = list(parts_of(peers / "queries.sql"))
    assert len(names) == 10
    translated = [path for path in peers.glob("*/queries.sql") if path.parent.name != "floor_"]
    assert all(list(parts_of(path)) == names for path in translated)


def test_months_are_taken_from_the_names_of_files(tmp_path: Path) -> None:
    for name in (
        "yellow/2024-11.parquet",
        "citibike/2024-11/b.csv",
        "citibike/2024-11/a.csv",
        "citibike/2024-12/c.csv",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "citibike" / "2024-11.zip").touch()
    everything = Options(tmp_path, tmp_path, ())
    assert [(month, [path.name for path in paths]) for month, paths in everything.files_of("citibike")] == [
        ("2024-11", ["a.csv", "b.csv"]),
        ("2024-12", ["c.csv"]),
    ]
    assert [month for month, _ in Options(tmp_path, tmp_path, ("2024-12",)).files_of("citibike")] == ["2024-12"]
    assert not list(everything.files_of("weather"))


def test_whom_the_platform_is_ahead_of_is_said() -> None:
    results = Results(ABOUT | {"left out": {"sqlmesh": "not installed"}})
    measured = results.of(Stage("peers", "refresh", 100))
    measured.turns = [{PLATFORM: Cost(2, 3, 10), FLOOR: Cost(1, 1, 1), "pandas": Cost(8, 8, 90), "chdb": Cost(1, 2, 9)}]
    assert conclusions(results) == [
        "refresh: platform 2.00 s; ahead of pandas (4.0 x); behind chdb (2.0 x as fast)",
        "left out: sqlmesh: not installed",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--months", "25"], "expected from 1 to 24 months, got 25"),
        (["--trips", "5"], "expected from 1,000 to 200,000,000 trips, got 5"),
        (["--runs", "0"], "expected at least one turn, got 0"),
        (["--only", "excel"], "invalid choice: 'excel'"),
    ],
)
def test_arguments_that_are_none_are_named(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())
