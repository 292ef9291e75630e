"""Whether there is a briefing of a day, and what it says of feeds, by the ledger of a release."""

from pathlib import Path

import pytest

from briefings.command import main
from briefings.markets import BRIEFING
from briefings.subjects import briefings_of_subjects
from tests.warehouse.releases_by_hand import Contents, publish_by_hand
from warehouse.exit_codes import ExitCode

# Wednesday to Friday, and the Tuesday after a holiday.
LOADS = {("minute_aggs", f"2026-01-{day}"): (f"load-{day}", "etag") for day in (14, 16)} | {
    ("candles_daily", f"2026-01-{day}"): (f"candles-{day}", "etag") for day in (14, 15, 16, 20)
}


@pytest.fixture
def release(database: Path) -> Path:
    """A release of a ledger alone, and the folder of briefings beside it."""
    publish_by_hand(Contents([], LOADS | {("symbols", "2026-01-14"): ("symbols-14", "etag")}), 1)
    return database.parent / "briefings"


def test_a_subject_is_found_by_its_folder() -> None:
    assert [(subject.name, briefing) for subject, briefing in briefings_of_subjects()] == [("markets", BRIEFING)]


def test_a_briefing_says_which_loads_it_is_from_and_what_is_missing(
    release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--date", "2026-01-20"]) == ExitCode.DONE

    path = release / "2026-01-20.md"
    assert capsys.readouterr().out == f"{path}\n"
    said = path.read_text()
    assert said.startswith(
        "# Markets on Tuesday, 20 January 2026\n\n**Not here yet:** `minute_aggs` (late: due on 22 January 2026);"
    )
    assert "Release 20250101T000001Z-0001, published " in said
    assert "| `candles_daily` | 2026-01-20 | 1 |" in said
    assert "| candles-20 |" in said
    assert "| `minute_aggs` | 2026-01-20 | — | not loaded; late: due on 22 January 2026 | — |" in said
    assert "| `symbols` | 2026-01-14 | 1 |" in said
    # The 19th is a holiday.
    assert "- `minute_aggs`: 2026-01-15, 2026-01-20" in said
    assert "nyc load --from 2026-01-15 --to 2026-01-20 --sources minute_aggs" in said


def test_what_comes_after_the_day_is_not_missing(release: Path) -> None:
    assert main(["--date", "2026-01-14"]) == ExitCode.DONE
    said = (release / "2026-01-14.md").read_text()
    assert "- `minute_aggs`: " not in said


def test_the_same_release_gives_the_same_bytes(release: Path) -> None:
    assert main(["--date", "2026-01-16"]) == ExitCode.DONE
    first = (release / "2026-01-16.md").read_bytes()
    (release / "2026-01-16.md").unlink()
    assert main(["--date", "2026-01-16"]) == ExitCode.DONE
    assert (release / "2026-01-16.md").read_bytes() == first


def test_without_a_date_it_is_the_newest_day(release: Path) -> None:
    assert main([]) == ExitCode.DONE
    assert [path.name for path in release.iterdir()] == ["2026-01-20.md"]


@pytest.mark.parametrize("day", ["2026-01-19", "2026-01-18", "1990-01-02"])
def test_a_day_without_trading_is_refused(release: Path, capsys: pytest.CaptureFixture[str], day: str) -> None:
    assert main(["--date", day]) == ExitCode.BAD_ARGUMENTS
    said = capsys.readouterr().err
    assert day in said
    assert "the trading days of the New York Stock Exchange" in said
    assert not release.exists()


@pytest.mark.parametrize("day", ["2026-01-21", "2026-01-13"])
def test_a_day_that_is_not_loaded_says_how_to_load_it(
    release: Path, capsys: pytest.CaptureFixture[str], day: str
) -> None:
    assert main(["--date", day]) == ExitCode.NOT_THERE_YET
    said = capsys.readouterr().err
    assert f"nyc load --from {day} --to {day} --sources minute_aggs,candles_daily" in said
    assert len(said) < 600
    assert not release.exists()


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "../../etc/passwd", "2026-1-5"])
def test_what_is_no_day_is_refused(database: Path, day: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--date", day])
    assert ended.value.code == ExitCode.BAD_ARGUMENTS


def test_before_anything_is_published_it_says_how(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--date", "2026-01-14"]) == ExitCode.NOT_THERE_YET
    assert "nyc publish" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release.write_text("a file where the folder should be")
    assert main(["--date", "2026-01-14"]) == ExitCode.FAILED
    assert str(release / "2026-01-14.md") in capsys.readouterr().err
