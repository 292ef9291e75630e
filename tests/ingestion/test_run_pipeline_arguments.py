"""The command line's arguments, exit status and JSON."""

import json

import pytest

from ingestion.partitions import Partition
from ingestion.pipeline import Result, Status
from ingestion.run_pipeline import exit_status, main, parse_arguments
from ingestion.terminal import results_as_data


def _asked(*arguments: str) -> list[str]:
    return [str(partition) for partition in parse_arguments(arguments)[1]]


def test_months_of_a_year() -> None:
    assert _asked("--year", "2025", "--months", "6,5", "--sources", "green,weather") == [
        "green 2025-05",
        "weather 2025-05",
        "green 2025-06",
        "weather 2025-06",
    ]


def test_a_range_of_months() -> None:
    assert _asked("--from", "2024-12", "--to", "2025-01", "--sources", "fhv") == ["fhv 2024-12", "fhv 2025-01"]


def test_sources_have_a_default() -> None:
    assert [name.split()[0] for name in _asked("--year", "2025", "--months", "1")] == [
        "yellow",
        "green",
        "fhv",
        "citibike",
        "weather",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "expected either --year and --months, or --from and --to"),
        ("--year 2025", "expected either"),
        ("--year 2025 --months 1 --from 2025-01 --to 2025-02", "expected either"),
        ("--year 2025 --months 1 --to 2025-02", "expected either"),
        ("--year 2025 --months 13", "from 1 to 12"),
        ("--from 2025-13 --to 2025-02", "YYYY-MM"),
        ("--from 2025-03 --to 2025-02", "--from 2025-03 is after --to 2025-02"),
        ("--year 2925 --months 1", "2925-01 has not begun yet"),
        ("--year 9999 --months 12", "9999-12 has not begun yet"),
        ("--year 99999 --months 12", "year 99999 is out of range"),
        ("--from 9999-12 --to 9999-12", "9999-12 has not begun yet"),
        ("--year 2025 --months 1 --sources uber", "unknown source 'uber'"),
    ],
)
def test_bad_arguments_exit_with_2_and_say_what_is_expected(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse_arguments(arguments.split())
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([Status.LOADED, Status.UNCHANGED], 0),
        ([Status.LOADED, Status.NOT_PUBLISHED], 3),
        ([Status.NOT_PUBLISHED, Status.FAILED, Status.LOADED], 1),
    ],
)
def test_exit_status(statuses: list[Status], expected: int) -> None:
    partition: Partition = parse_arguments(["--year", "2025", "--months", "1"])[1][0]
    assert exit_status([Result(partition, status) for status in statuses]) == expected


def test_a_dry_run_as_json_lists_what_would_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--from", "2025-01", "--to", "2025-02", "--sources", "green", "--dry-run", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert [(one["feed"], one["period"]) for one in planned] == [("green", "2025-01"), ("green", "2025-02")]
    assert planned[1]["address"].endswith("/green_tripdata_2025-02.parquet")


def test_results_as_data_are_plain() -> None:
    partition = parse_arguments(["--year", "2025", "--months", "1", "--sources", "green"])[1][0]
    results = [
        Result(partition, Status.LOADED, rows=7, seconds=1.23456),
        Result(partition, Status.FAILED, error="the file is not whole"),
    ]
    assert json.loads(json.dumps(results_as_data(results))) == [
        {"feed": "green", "period": "2025-01", "status": "loaded", "rows": 7, "seconds": 1.235, "error": None},
        {
            "feed": "green",
            "period": "2025-01",
            "status": "failed",
            "rows": None,
            "seconds": 0.0,
            "error": "the file is not whole",
        },
    ]
