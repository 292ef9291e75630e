"""Metric queries from Python and from the terminal."""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from cli.app import app
from metrics import semantic_manifest
from metrics.ask import main
from metrics.conditions import as_filter
from metrics.definitions import define_metric
from metrics.query import (
    MetricQuery,
    list_dimensions,
    list_metrics,
    metric_sql,
    query_metrics,
)
from metrics.semantic_manifest import MetricQueryError, read_manifest
from tests.dbt.test_dbt_waits import held
from tests.metrics.conftest import MetricWarehouse
from tests.metrics.definitions import FIXED
from tests.warehouse.small_releases import snapshot
from warehouse.connection import WarehouseError
from warehouse.paths import DATABASE_VARIABLE, PROJECT_ROOT, PUBLISHED_FOLDER_VARIABLE
from warehouse.publishing.publish import publish
from warehouse.publishing.relink import relink
from warehouse.releases import NothingPublishedError, Release, Releases, Source, source_for_readers

LIVE = Source()
BY_TYPE = MetricQuery(("total_trips",), ("trip__trip_type",))


def test_an_answer_is_arrow_with_whole_numbers_in_the_order_of_its_groups(metric_warehouse: MetricWarehouse) -> None:
    answer = query_metrics(MetricQuery(("avg_fare", "total_trips"), ("trip__trip_type",)))
    assert answer.column_names == ["trip__trip_type", "avg_fare", "total_trips"]
    assert answer.schema.types == [pa.string(), pa.float64(), pa.int64()]
    assert answer["trip__trip_type"].to_pylist() == ["citibike", "fhv", "green_taxi", "hvfhv", "yellow_taxi"]


def test_order_limit_and_bounds(connection: duckdb.DuckDBPyConnection) -> None:
    query = MetricQuery(
        ("total_trips",),
        ("metric_time__day",),
        order_by=("-total_trips",),
        limit=3,
        start=datetime(2025, 3, 8),
        end=datetime(2025, 3, 9),
    )
    rows = query_metrics(query, source_for_readers(), connection).to_pylist()
    assert {row["metric_time__day"].day for row in rows} == {8, 9}
    assert rows[0]["total_trips"] >= rows[1]["total_trips"]
    assert all(type(row["metric_time__day"]) is datetime for row in rows), "as times of every grain"


def test_rows_outside_of_the_bounds_are_skipped_where_they_are_read(connection: duckdb.DuckDBPyConnection) -> None:
    """DuckDB then leaves out files and groups of rows by their least and most, however long the history."""
    query = MetricQuery(("avg_fare",), start=datetime(2025, 3, 8), end=datetime(2025, 3, 9))
    sql = metric_sql(query, source_for_readers())
    ((_, plan),) = connection.execute(f"explain (format json) {sql}").fetchall()
    assert re.search(r"pickup_date >= '2025-03-08'::DATE.*pickup_date <= '2025-03-09'::DATE", plan), plan
    assert '"FILTER"' not in plan


@pytest.mark.parametrize("groups", [(), ("metric_time__day",), ("metric_time__hour",)])
def test_the_last_day_is_asked_for_with_all_its_hours(
    connection: duckdb.DuckDBPyConnection, groups: tuple[str, ...]
) -> None:
    """MetricFlow's own bounds end at midnight, where metric_time has hours."""
    day = datetime(2025, 3, 8)
    query = MetricQuery(("hours_with_trips",), groups, start=day, end=day)
    answer = query_metrics(query, source_for_readers(), connection)
    expected = "select count(distinct hour_timestamp) from core_core.fct_hourly_mobility where hour_timestamp::date = ?"
    assert sum(answer["hours_with_trips"].to_pylist()) == connection.execute(expected, [day]).fetchall()[0][0] > 12


@pytest.mark.parametrize("name", ["mode_share_by_month", "weather_effect_by_mode", "hourly_profile", "top_zones"])
def test_saved_queries_answer(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    answer = query_metrics(MetricQuery(saved_query=name), source_for_readers(), connection)
    assert answer.num_rows > 1
    if name == "top_zones":
        trips = answer["total_trips"].to_pylist()
        assert trips == sorted(trips, reverse=True)
        assert len(trips) == 20


def test_the_project_is_read_once_and_again_when_it_changed(
    metric_warehouse: MetricWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "semantic_manifest.json"
    shutil.copy(metric_warehouse.target / path.name, path)
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    before = read_manifest.cache_info().misses
    for _ in range(3):
        metric_sql(BY_TYPE, LIVE)
        list_metrics(LIVE)
    assert read_manifest.cache_info().misses == before + 1
    path.write_text(path.read_text().replace('"Average speed"', '"Speed"'))
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert "Speed" in {metric.label for metric in list_metrics(LIVE)}
    assert "Speed" not in {metric.label for metric in list_metrics()}, "a release keeps its own"


def test_the_file_may_have_another_name_than_when_the_project_was_parsed(
    metric_warehouse: MetricWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "published.duckdb"
    shutil.copy(metric_warehouse.path, copy)
    monkeypatch.setenv(DATABASE_VARIABLE, str(copy))
    assert query_metrics(BY_TYPE, LIVE).num_rows == 5


def test_a_missing_manifest_says_what_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    with pytest.raises(MetricQueryError, match=r"expected dbt's semantic manifest.*dbt parse"):
        metric_sql(BY_TYPE, LIVE)


def test_facts_that_are_not_built_say_what_builds_them(metric_warehouse: MetricWarehouse) -> None:
    with duckdb.connect() as empty, pytest.raises(MetricQueryError, match=r"fct_trips(.|\n)*dbt build"):
        query_metrics(BY_TYPE, LIVE, empty)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (MetricQuery(("total_trip",)), "total_trips"),
        (MetricQuery(("total_trips",), ("trip__typ",)), "trip__trip_type"),
        (MetricQuery(("total_trips",), where=("trip__typ = 1",)), "trip__trip_type"),
        (MetricQuery(("total_trips",), order_by=("avg_fare",)), "avg_fare"),
        (MetricQuery(("peak_hour_trips",), ("pickup_location__borough",)), "pickup_location__borough"),
        (MetricQuery(saved_query="top"), "top_zones"),
        (MetricQuery(("total_trips",), limit=0), "1 row or more"),
        (MetricQuery(("total_trips",), start=datetime(2025, 3, 2), end=datetime(2025, 3, 1)), "not after the last"),
        (MetricQuery(("total_trips",), end=datetime(2025, 3, 2, 12)), "expected start and end to be days"),
        (MetricQuery(), "no metrics"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(
    connection: duckdb.DuckDBPyConnection, query: MetricQuery, said: str
) -> None:
    with pytest.raises(MetricQueryError, match=said):
        query_metrics(query, source_for_readers(), connection)


def test_a_condition_that_is_no_sql_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(MetricQueryError, match="condition"):
        query_metrics(MetricQuery(("total_trips",), where=("trip__trip_type = ",)), source_for_readers(), connection)


def test_plain_names_in_conditions_become_references_but_values_do_not() -> None:
    assert as_filter("trip__trip_type = 'a__b' and metric_time__month >= '2025-01-01'") == (
        "({{ Dimension('trip__trip_type') }} = 'a__b' and {{ TimeDimension('metric_time', 'month') }} >= '2025-01-01')"
    )
    assert as_filter("{{ Dimension('trip__rider_type') }} = 'x'") == "({{ Dimension('trip__rider_type') }} = 'x')"


def test_dimensions_are_those_that_all_metrics_have(metric_warehouse: MetricWarehouse) -> None:
    assert "trip__trip_type" in list_dimensions(("avg_fare",))
    assert "time__day_part" in list_dimensions(("avg_fare", "peak_hour_trips"))
    assert "trip__trip_type" not in list_dimensions(("avg_fare", "peak_hour_trips"))


def _questions() -> list[list[str]]:
    """The questions of each block of the README that has some."""
    blocks = re.findall(r"```bash\n(.*?)```", (PROJECT_ROOT / "metrics" / "README.md").read_text(), re.DOTALL)
    return [found for block in blocks if (found := re.findall(r"^nyc (query .+)$", block, re.MULTILINE))]


OF_TRIPS, OF_MARKETS = _questions()


def test_ten_questions_are_in_the_readme() -> None:
    assert len(OF_TRIPS) == 10


@pytest.mark.parametrize("question", [*OF_TRIPS, *OF_MARKETS])
def test_the_questions_of_the_readme_are_answered(
    metric_warehouse: MetricWarehouse, question: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(question)
    with pytest.raises(SystemExit) as ended:
        app([*words, "--csv"], prog_name="nyc")
    assert ended.value.code == 0
    header, *rows = capsys.readouterr().out.splitlines()
    metrics = [] if words[1] == "--saved" else words[1].split(",")
    assert all(metric in header for metric in metrics)
    # Of markets nothing is loaded here.
    assert bool(rows) is (question in OF_TRIPS)


def test_figures_for_scripts_are_json(metric_warehouse: MetricWarehouse, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", "total_trips,avg_fare", "--by=metric_time__month,trip__trip_type", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert set(rows[0]) == {"metric_time__month", "trip__trip_type", "total_trips", "avg_fare"}
    assert isinstance(rows[0]["total_trips"], int)
    assert datetime.fromisoformat(rows[0]["metric_time__month"])
    assert {row["avg_fare"] for row in rows if row["trip__trip_type"] == "fhv"} == {None}
    assert main(["list", "--json"]) == 0
    listed = {metric["name"]: metric for metric in json.loads(capsys.readouterr().out)}
    assert set(listed) == {metric.name for metric in list_metrics()}
    assert listed["avg_trip_speed_mph"]["unit"] == "mph"


def test_make_hands_quotes_on(metric_warehouse: MetricWarehouse) -> None:
    command = ["make", "--no-print-directory", "-o", "setup", "query", "M=total_trips", "ARGS=--csv"]
    done = subprocess.run(
        [*command, "WHERE=trip__trip_type = 'fhv' and trip__trip_type <> '\"$$'"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "total_trips"


def test_the_terminal_says_what_is_wrong_and_how_to_go_on(
    metric_warehouse: MetricWarehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert all(metric.name in listed for metric in list_metrics())
    assert main(["dimensions", "avg_fare"]) == 0
    assert "trip__trip_type" in capsys.readouterr().out
    assert main(["query", "avg_fair"]) == 2
    assert "avg_fare" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--limit", "many"], "--limit"),
        (["--limit", "0"], "1 row or more"),
        (["--limit=-3"], "--limit"),
        (["--start", "2025-03-09", "--end", "2025-03-08"], "not after the last"),
        (["--start", "March"], "--start: expected a day"),
        (["--end", "2025-03-08T00:00:00+02:00"], "without a time zone"),
        (["--order=-"], "order by"),
        (["--order=avg_fare"], "avg_fare"),
        (["--order=total_trips; select 1"], "order by"),
        (["--by=trip__trip_type;"], "dimension"),
        (["--by={{ 7*7 }}"], "dimension"),
        (["--saved", "top"], "saved query"),
        (["--where", "trip__trip_type = 'x'; select 1"], "one condition"),
        (["--where", "trip__trip_type + 1 = date '2025-01-01'"], "condition"),
        (["--where", "read_text('/etc/passwd') is null"], "condition"),
    ],
)
def test_a_bad_question_ends_with_2_and_words(
    metric_warehouse: MetricWarehouse, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["query", "total_trips", *options]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_an_empty_answer_says_so_and_what_is_loaded(
    metric_warehouse: MetricWarehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    for options in (["--by=trip__trip_type"], []):
        assert main(["query", "total_trips", "--start", "2031-01-01", *options, "--csv"]) == 0
        assert "Months loaded: 2025-03, 2025-11." in capsys.readouterr().err


def test_strays_are_marked_and_can_be_left_out(
    metric_warehouse: MetricWarehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["query", "total_trips", "--by=metric_time__month", "--csv"]) == 0
    captured = capsys.readouterr()
    months = [line[:7] for line in captured.out.splitlines()[1:]]
    strays = sorted(set(months) - {"2025-03", "2025-11"})
    assert strays
    assert f"Not loaded: {', '.join(strays)}." in captured.err
    where = "trip__is_in_month_of_file"
    assert main(["query", "total_trips", "--by=metric_time__month", "--where", where, "--csv"]) == 0
    captured = capsys.readouterr()
    assert [line[:7] for line in captured.out.splitlines()[1:]] == ["2025-03", "2025-11"]
    assert captured.err == ""


def test_hours_without_weather_are_a_group_with_a_name(connection: duckdb.DuckDBPyConnection) -> None:
    for dimension in ("category", "description"):
        answer = query_metrics(
            MetricQuery(("total_trips",), (f"weather__weather_{dimension}",)), source_for_readers(), connection
        )
        groups = answer[f"weather__weather_{dimension}"].to_pylist()
        assert "no weather loaded" in groups
        assert None not in groups


def test_a_metric_is_described_down_to_its_columns(
    metric_warehouse: MetricWarehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["describe", "avg_trip_speed_mph"]) == 0
    described = capsys.readouterr().out
    for part in (
        "Average speed",
        "mph",
        "Core trip metrics",
        "mobility analytics",
        "= timed_trip_distance_miles / timed_trip_duration_hours",
        "timed_trip_distance_miles = sum(case when is_sane and avg_speed_mph is not null then trip_distance end)",
        "of core_core.fct_trips",
        "trip__trip_type",
        "SELECT",
    ):
        assert part in described
    assert main(["describe", "avg_trip_speed"]) == 2
    assert "avg_trip_speed_mph" in capsys.readouterr().err


@pytest.mark.parametrize("name", [metric for metrics in FIXED.values() for metric in metrics])
def test_every_metric_has_a_formula(metric_warehouse: MetricWarehouse, name: str) -> None:
    definition = define_metric(name)
    assert definition.formula[0].startswith(f"{name} = ")
    assert any("fct_" in line for line in definition.formula)


@pytest.mark.parametrize("share", [0, 0.5])
def test_a_manifest_that_is_being_written_is_waited_for(
    metric_warehouse: MetricWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    whole = (metric_warehouse.target / "semantic_manifest.json").read_text()
    path = tmp_path / "semantic_manifest.json"
    path.write_text(whole[: int(len(whole) * share)])
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    writer = threading.Timer(0.5, lambda: path.write_text(whole))
    writer.start()
    assert query_metrics(BY_TYPE, LIVE).num_rows == 5
    writer.join()


@pytest.mark.parametrize("content", ["", '{"metrics": [', "{}", "[]", '{"semantic_models": [{}]}'])
def test_a_manifest_that_stays_broken_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "semantic_manifest.json").write_text(content)
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    monkeypatch.setattr(semantic_manifest, "_WAIT_SECONDS", 0.3)
    assert main(["query", "total_trips", "--live"]) == 1
    said = capsys.readouterr().err
    assert "semantic_manifest.json" in said
    assert "cd dbt && dbt parse" in said


def test_metricflow_validates_and_answers_on_its_own_command_line(
    metric_warehouse: MetricWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`mf` reads the manifest below the project only: a project whose target folder is the one of the build."""
    project = tmp_path / "dbt"
    project.mkdir()
    for entry in (PROJECT_ROOT / "dbt").iterdir():
        if entry.name not in ("target", "logs"):
            (project / entry.name).symlink_to(entry)
    (project / "target").symlink_to(metric_warehouse.target)

    def run(*arguments: str) -> str:
        environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT), "DBT_LOG_PATH": str(tmp_path / "logs")}
        environment.pop("DBT_TARGET_PATH")
        done = subprocess.run(["mf", *arguments], cwd=project, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    # Not the name that the project was parsed with.
    renamed = tmp_path / "main.duckdb"
    shutil.copy(metric_warehouse.path, renamed)
    monkeypatch.setenv(DATABASE_VARIABLE, str(renamed))
    validated = run("validate-configs")
    assert validated.count("ERRORS: 0, FUTURE_ERRORS: 0, WARNINGS: 0") == 6, validated
    asked = ("query", "--metrics", "total_trips", "--group-by", "trip__trip_type")
    live = run(*asked)
    assert len(_rows(live)) == 5

    # The release is read while another process has the file that is built on.
    monkeypatch.setenv("DBT_TARGET", "published")
    monkeypatch.setenv("DUCKDB_LOCK_TIMEOUT_SECONDS", "0.2")
    monkeypatch.setenv(DATABASE_VARIABLE, str(metric_warehouse.path))
    before = snapshot(Releases().folder)
    with held(metric_warehouse.path):
        assert _rows(run(*asked)) == _rows(live)
    assert snapshot(Releases().folder) == before
    # Of another folder, named by itself.
    monkeypatch.setenv(DATABASE_VARIABLE, str(tmp_path / "none.duckdb"))
    monkeypatch.setenv(PUBLISHED_FOLDER_VARIABLE, str(metric_warehouse.path.parent / "published"))
    assert _rows(run(*asked)) == _rows(live)


def _rows(table: str) -> set[str]:
    """The rows of a table that `mf` prints."""
    return {line for line in table.splitlines() if re.search(r"\d", line) and "uccess" not in line}


def test_without_a_file_or_a_release_the_error_says_so(
    metric_warehouse: MetricWarehouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, str(tmp_path / "none.duckdb"))
    with pytest.raises(WarehouseError, match="Load a month first"):
        query_metrics(BY_TYPE, LIVE)
    with pytest.raises(NothingPublishedError, match=r"nyc publish.*--live"):
        query_metrics(BY_TYPE)
    for command in (["query", "total_trips"], ["list"], ["describe", "avg_fare"], ["dimensions", "avg_fare"]):
        assert main(command) == 3
        assert "nothing has been published yet" in capsys.readouterr().err


def test_many_threads_ask_one_release_over_one_connection(metric_warehouse: MetricWarehouse) -> None:
    source = source_for_readers()
    queries = [BY_TYPE, MetricQuery(("weekend_trips",), ("metric_time__month",)), MetricQuery(("total_trips",))]
    with source.open() as connection, ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda query: query_metrics(query, source, connection), queries * 12))
    assert answers == [query_metrics(query) for query in queries] * 12


def test_a_process_goes_on_to_a_newer_release_and_may_still_ask_the_old(
    metric_warehouse: MetricWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PUBLISHED_FOLDER_VARIABLE, str(tmp_path / "published"))
    publish()
    old = source_for_readers()
    kept = query_metrics(BY_TYPE, old)
    read = read_manifest.cache_info().misses
    # Another release with the same declarations, and one with others.
    _publish_by_hand(old, "20990101T000000Z-0000", "")
    assert query_metrics(BY_TYPE) == kept
    assert list_metrics() == list_metrics(old)
    assert read_manifest.cache_info().misses == read
    _publish_by_hand(old, "20990102T000000Z-0000", "Average speed")
    assert "Speed!" in {metric.label for metric in list_metrics()}
    assert "Speed!" not in {metric.label for metric in list_metrics(old)}
    assert query_metrics(BY_TYPE) == query_metrics(BY_TYPE, old) == kept


def _publish_by_hand(source: Source, id_: str, label: str) -> None:
    """Publish the same rows again, with another label if one is named."""
    assert source.release
    folder = Path(shutil.copytree(source.release.folder, Releases().releases_folder / id_))
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    text = (folder / "semantic_manifest.json").read_text()
    text = text.replace(f'"{label}"', '"Speed!"') if label else text
    (folder / "semantic_manifest.json").write_text(text)
    documents = {"semantic_manifest.json": hashlib.sha256(text.encode()).hexdigest()}
    release = Release(**{**vars(source.release), "id": id_, "folder": folder, "documents": documents})
    (folder / "release.json").write_text(release.write())
    Releases().switch_to(release)
    relink(Releases())


def test_a_connection_is_of_a_source_that_is_named(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ValueError, match="expected the source"):
        query_metrics(BY_TYPE, None, connection)


def test_a_release_with_a_damaged_manifest_or_file_says_which(
    metric_warehouse: MetricWarehouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(PUBLISHED_FOLDER_VARIABLE, str(tmp_path / "published"))
    monkeypatch.setattr("warehouse.publishing.making.ROWS_FOR_FILES", 1000)
    release = publish().release
    file = next(release.folder / str(part.file) for table, part in release.files() if "trips" in table.name)
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:100])
    assert main(["query", "total_trips"]) == 1
    assert f"{file}: expected the rows of" in capsys.readouterr().err
    release.semantic_manifest.chmod(0o644)
    release.semantic_manifest.write_text("{")
    semantic_manifest.read_manifest.cache_clear()
    assert main(["query", "total_trips"]) == 1
    said = capsys.readouterr().err
    assert f"{release.semantic_manifest}: expected the semantic manifest of release {release.id}" in said


def test_answers_say_which_release_they_are_of(
    metric_warehouse: MetricWarehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    query = ["query", "total_trips"]
    for command in (query, ["list"], ["describe", "avg_fare"], ["dimensions", "avg_fare"]):
        assert main(command) == 0
        assert re.fullmatch(r"release \S+, published .*(now|ago)", capsys.readouterr().out.splitlines()[-1])
        assert main([*command, "--live"]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == f"working file {metric_warehouse.path}"
    for form in ("--csv", "--json"):
        assert main([*query, form]) == 0
        assert "release" not in capsys.readouterr().out
