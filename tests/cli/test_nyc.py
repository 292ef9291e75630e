"""The command `nyc`: its help, its exit codes, its completion, and what it waits for."""

import json
import os
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from typer.main import get_command

from cli.app import app
from cli.arguments import Value, as_arguments
from cli.examples import all_examples
from cli.settings import read_env_file
from ingestion.catalog import FEEDS
from sandbox.server import SamplePublisher
from tests.dbt.small_warehouse import Warehouse, keep_parsed_project
from tests.forking import interpreter
from tests.warehouse.small_releases import make_release
from warehouse.exit_codes import ExitCode
from warehouse.paths import PROJECT_ROOT
from warehouse.releases import Releases

EXAMPLES = [example for examples in all_examples().values() for example in examples]


def nyc(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command from another folder than the project's."""
    settings = os.environ | {"PYTHONPATH": str(PROJECT_ROOT), "COLUMNS": "200"} | environment
    return interpreter().run(["-m", "cli", *arguments], settings, cwd="/")


def parsed(words: list[str]) -> object:
    """What a command line is parsed to; nothing runs.

    Raises:
        TyperException: a word is not understood.
    """
    command, context = get_command(app), None
    while True:
        context = command.make_context(words[0], words[1:], parent=context)
        if not hasattr(command, "resolve_command"):
            return context.params
        name, command, rest = command.resolve_command(context, context._protected_args + context.args)
        words = [str(name), *rest]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_help_are_understood(example: str) -> None:
    assert parsed(shlex.split(example)) is not None


@pytest.mark.parametrize(
    ("words", "rows", "old"),
    [
        (["--rows"], "default", None),
        (["--rows", "a"], "default", "a"),
        (["a", "--rows", "5"], "5", "a"),
        (["--rows=7"], "7", None),
        (["--rows", "--json"], "default", None),
        (["a"], None, "a"),
    ],
)
def test_rows_may_stand_without_their_number(words: list[str], rows: str | None, old: str | None) -> None:
    found = parsed(["nyc", "diff", *words])
    assert isinstance(found, dict)
    assert (found["rows"], found["old"]) == (rows, old)


def test_every_command_has_examples_of_its_own() -> None:
    for command, examples in all_examples().items():
        words = [] if command == "nyc" else command.split()
        shown = nyc(*words, "--help").stdout
        assert f"Usage: {' '.join(['nyc', *words])} " in shown
        for example in examples:
            assert f"\n    {example}\n" in shown + "\n"
    listed = nyc("--help").stdout.partition("Commands:\n")[2].partition("\n\n")[0]
    commands = {line.split()[0] for line in listed.splitlines()}
    assert commands == {command.split()[0] for command in all_examples()} - {"nyc"}


def test_the_help_has_the_table_of_exit_codes() -> None:
    # By an interpreter of its own, as people run it.
    settings = os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
    command = [sys.executable, "-m", "cli", "--help"]
    shown = subprocess.run(command, cwd="/", env=settings, capture_output=True, text=True, check=True).stdout
    for code in ExitCode:
        assert f"    {code.value}  {code.meaning}\n" in shown
    assert [code.value for code in ExitCode] == [0, 1, 2, 3]


def test_exit_codes_are_those_of_the_table(database: Path, tmp_path: Path) -> None:
    assert nyc("load", "--year", "2025").returncode == ExitCode.BAD_ARGUMENTS
    assert nyc("load", "--no-such-option").returncode == ExitCode.BAD_ARGUMENTS
    assert nyc("metrics", "describe", "x", "--live", DBT_TARGET_PATH=str(tmp_path)).returncode == ExitCode.FAILED
    for reading in (["summary"], ["health"], ["quarantine"], ["metrics", "list"], ["query", "total_trips"]):
        done = nyc(*reading)
        assert done.returncode == ExitCode.NOT_THERE_YET
        assert "nothing has been published yet. Publish what is built: nyc publish" in done.stderr
    with SamplePublisher(date(2025, 1, 1), date(2025, 1, 1), rows=100) as publisher:
        load = ["load", "--sources", "green", "--year", "2025", "--months"]
        settings = {**publisher.environment, "LOG_FOLDER": str(tmp_path)}
        assert nyc(*load, "1", **settings).returncode == ExitCode.DONE
        assert nyc(*load, "1,2", **settings).returncode == ExitCode.NOT_THERE_YET


def test_what_people_script_is_json(database: Path, tmp_path: Path) -> None:
    with SamplePublisher(date(2025, 1, 1), date(2025, 1, 1), rows=100) as publisher:
        settings = {**publisher.environment, "LOG_FOLDER": str(tmp_path)}
        loaded = nyc("load", "--sources", "green", "--year", "2025", "--months", "1,2", "--json", **settings)
    results = json.loads(loaded.stdout)
    assert [(one["feed"], one["period"], one["status"]) for one in results] == [
        ("green", "2025-01", "loaded"),
        ("green", "2025-02", "not_published"),
    ]
    assert loaded.returncode == ExitCode.NOT_THERE_YET
    gaps = nyc("gaps", "--offline", "--sources", "green", "--to", "2025-02", "--json", **settings)
    assert json.loads(gaps.stdout), gaps.stderr
    rows = json.loads(nyc("summary", "--live", "--json").stdout)
    assert [(one["feed"], one["published"], one["is_built"]) for one in rows] == [("green", results[0]["rows"], False)]
    listed = json.loads(nyc("check", "--list", "--json").stdout)
    assert {"fct_trips"} <= {one["model"] for one in listed}


def test_errors_name_the_command_that_was_called() -> None:
    wrong = {
        "load": ["--year", "1"],
        "gaps": ["--from", "x"],
        "query": ["total_trips", "--csv", "--json"],
        "sandbox": ["serve"],
    }
    for command, arguments in wrong.items():
        done = nyc(command, *arguments)
        assert done.returncode == ExitCode.BAD_ARGUMENTS
        assert f"usage: nyc {command} " in done.stderr
        assert "python -m" not in done.stderr


def test_build_runs_dbt_from_any_folder_and_passes_arguments_on(database: Path, tmp_path: Path) -> None:
    keep_parsed_project(tmp_path / "target")
    settings = {"DBT_TARGET_PATH": str(tmp_path / "target"), "DBT_LOG_PATH": str(tmp_path / "logs")}
    done = nyc("build", "--", "--quiet", "--no-such-option", **settings)
    assert done.returncode == ExitCode.BAD_ARGUMENTS, done.stdout + done.stderr
    assert "--no-such-option" in done.stderr
    done = nyc("build", "--select", "resource_type:seed", **settings)
    assert done.returncode == ExitCode.FAILED, "dbt itself ends with 2"
    assert "Load a month first" in done.stdout
    Warehouse(database, tmp_path).create_raw_tables()
    done = nyc("build", "--select", "resource_type:seed", **settings)
    assert done.returncode == ExitCode.DONE, done.stdout + done.stderr
    assert "seed" in done.stdout


def test_load_can_build_what_it_loaded(database: Path, tmp_path: Path) -> None:
    keep_parsed_project(tmp_path / "target")
    with SamplePublisher(date(2025, 1, 1), date(2025, 1, 1), rows=100) as publisher:
        settings = {**publisher.environment, "LOG_FOLDER": str(tmp_path), "DBT_LOG_PATH": str(tmp_path)}
        # All of it takes long.
        settings |= {"DBT_TARGET_PATH": str(tmp_path / "target"), "DBT_RESOURCE_TYPES": "seed"}
        load = ["load", "--sources", "green", "--build", "--year", "2025", "--months"]
        for wrong in (["--json"], ["--dry-run"]):
            refused = nyc(*load, "1", *wrong, **settings)
            assert refused.returncode == ExitCode.BAD_ARGUMENTS
            assert f"argument --build: not with {wrong[0]}" in refused.stderr
        done = nyc(*load, "13", **settings)
        assert (done.returncode, "PASS=" in done.stdout) == (ExitCode.BAD_ARGUMENTS, False)
        done = nyc(*load, "1,2", **settings)
    assert done.returncode == ExitCode.NOT_THERE_YET, done.stdout + done.stderr
    assert done.stdout.index("not_published") < done.stdout.index("PASS=")
    assert Warehouse(database, tmp_path).execute("select count(*) from core_staging.taxi_zone_lookup") == [(265,)]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("nyc lo", {"load"}),
        ("nyc load --sources gre", {"green"}),
        ("nyc gaps --sources green,fh", {"green,fhv"}),
        ("nyc metrics de", {"describe"}),
        ("nyc check --select fct_trips,dim_ti", {"fct_trips,dim_time"}),
    ],
)
def test_the_shell_completes_commands_and_names(typed: str, offered: set[str]) -> None:
    words = len(typed.split()) - 1
    done = nyc(_NYC_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=str(words))
    assert set(done.stdout.split()) == offered, done.stderr


def test_the_shell_completes_the_metrics_of_the_release_or_those_of_dbt(database: Path, tmp_path: Path) -> None:
    published = {"_NYC_COMPLETE": "complete_bash", "COMP_WORDS": "nyc query total_tr", "COMP_CWORD": "2"}
    live = published | {"COMP_WORDS": "nyc query --live total_tr", "COMP_CWORD": "3", "DBT_TARGET_PATH": str(tmp_path)}
    assert nyc(**published).stdout.split() == nyc(**live).stdout.split() == []
    metric = (
        '{"name": "total_trips", "label": "", "description": "",'
        ' "config": {"meta": {"category": "", "unit": "", "owner": ""}}}'
    )
    manifest = f'{{"semantic_models": [], "project_configuration": {{"time_spines": []}}, "metrics": [{metric}]}}'
    (tmp_path / "semantic_manifest.json").write_text(manifest)
    assert nyc(**published).stdout.split() == []
    assert nyc(**live).stdout.split() == ["total_trips"]
    release = make_release(Releases(), 1)
    release.folder.chmod(0o755)
    release.semantic_manifest.write_text(manifest.replace("total_trips", "total_trees"))
    assert nyc(**published).stdout.split() == ["total_trees"]


IMPORTED = """
import sys
from cli.app import main
try:
    main()
except SystemExit as ended:
    print("|", *sorted({"dlt", "great_expectations", "duckdb", "pyarrow", "dagster", "pandas"} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("arguments", "imported"),
    [
        (["--help"], set[str]()),
        (["load", "--help"], set[str]()),
        # dlt knows where the publishers are.
        (["load", "--year", "2025", "--months", "1", "--dry-run"], {"dlt", "duckdb", "pyarrow"}),
        (["gaps", "--from", "nonsense"], {"duckdb", "pyarrow"}),
        (["check", "--list"], {"duckdb"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_no_command_waits_for_what_it_does_not_use(arguments: list[str], imported: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments], cwd=PROJECT_ROOT, capture_output=True, text=True
    )
    assert set(done.stdout.rpartition("|")[2].split()) <= imported, done.stderr


def test_env_file_is_read_and_the_environment_comes_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.settings.PROJECT_ROOT", tmp_path)
    monkeypatch.setenv("NYC_TEST_SET", "set")
    monkeypatch.delenv("NYC_TEST_SECRET", raising=False)
    read_env_file()  # there is none
    (tmp_path / ".env").write_text("NYC_TEST_SET=file\nNYC_TEST_SECRET='pa$word #1'\n")
    try:
        read_env_file()
        assert (os.environ["NYC_TEST_SET"], os.environ["NYC_TEST_SECRET"]) == ("set", "pa$word #1")
    finally:
        os.environ.pop("NYC_TEST_SECRET", None)


def test_options_become_arguments() -> None:
    options: dict[str, Value] = {
        "--a": "x y",
        "--b": True,
        "--c": False,
        "--d": None,
        "--e": ["1", "2"],
        "--f": "-g",
        "--h": "",
    }
    assert as_arguments(options) == ["--a=x y", "--b", "--e=1", "--e=2", "--f=-g", "--h="]


def test_feeds_that_are_completed_are_the_catalog() -> None:
    typed = nyc(_NYC_COMPLETE="complete_bash", COMP_WORDS="nyc load --sources ", COMP_CWORD="3")
    assert set(FEEDS) <= set(typed.stdout.split())
