"""Layers: a release's tables as tables of Delta in buckets, and what is said when something is not well there."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from tests.lakehouse.releases import FACT, PARTITIONS, SMALL, make_release, with_layers
from warehouse.exit_codes import ExitCode
from warehouse.lakehouse.command import main as export
from warehouse.lakehouse.exported import ExportError
from warehouse.lakehouse.layer_report import LayerState, look_at_layers
from warehouse.lakehouse.layers import EXPORT_COMMAND, export_layers
from warehouse.lakehouse.layers_command import age_in_words, main
from warehouse.lakehouse.location import Location
from warehouse.releases import Release, current_release

LAYERS = {FACT: "silver/rides", SMALL[0]: "gold/zones"}
NO_ZONES = "select 1::integer as zone_id, 'a' as zone, 1::decimal(9, 4) as area_sq_mi limit 0"
EXPORT = ("--format", "delta", "--layers")


def layered_release(folder: Path, **others: Any) -> Release:
    return with_layers(make_release(folder, **others), LAYERS)


@pytest.fixture
def layered(release: Release) -> Release:
    return with_layers(release, LAYERS)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAYERS_URL", str(tmp_path / "layers"))
    return tmp_path / "layers"


@pytest.fixture
def written(layered: Release, lake: Path) -> Path:
    export_layers()
    return lake


def states() -> dict[str, LayerState]:
    found = look_at_layers(current_release(), Location.of_layers())
    return {f"{each.layer}/{each.table}": each for each in found}


def troubles() -> dict[str, str]:
    return {name: state.problem for name, state in states().items() if state.problem}


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: ExitCode) -> str:
    """What `nyc layers` says of trouble. It must end with this status."""
    assert main(arguments) == status
    error = capsys.readouterr().err
    assert all(len(line) < 600 for line in error.splitlines())
    return error


def test_each_table_is_where_its_layer_says(layered: Release, lake: Path) -> None:
    done = export_layers()
    assert [(each.table, each.address, each.version) for each in done] == [
        (FACT, str(lake / "silver/rides"), "0"),
        (SMALL[0], str(lake / "gold/zones"), "0"),
    ]
    assert sorted(path.name for path in lake.iterdir() if path.is_dir()) == ["gold", "silver"]
    assert DeltaTable(lake / "silver/rides").to_pyarrow_table().num_rows == 590
    assert [each.files_written for each in export_layers()] == [0, 0]


def test_the_layer_is_that_of_the_release(layered: Release) -> None:
    read = current_release()
    assert {table.full_name: table.layer for table in read.tables if table.layer} == LAYERS


def test_what_is_well_is_shown(written: Path, layered: Release, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitCode.DONE
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["layer", "table", "there", "rows", "version", "age", "log", "is"]
    assert lines[1][:5] == ["silver", "rides", "yes", "590", "0"]
    assert lines[1][-2:] == ["opens", "well"]
    assert lines[-1] == [str(written)]
    assert main(["--json"]) == ExitCode.DONE
    first = json.loads(capsys.readouterr().out)[0]
    assert 0 <= first.pop("age_seconds") < 60
    assert (datetime.now(UTC) - datetime.fromisoformat(first.pop("committed_at"))).total_seconds() < 60
    assert first == {
        "layer": "silver",
        "table": "rides",
        "model": FACT,
        "address": str(written / "silver/rides"),
        "is_there": True,
        "opens": True,
        "rows": 590,
        "version": 0,
        "release": layered.id,
        "is_behind": False,
        "problem": None,
    }


def test_a_table_deleted_by_hand_is_named_and_written_anew(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(written / "silver/rides")
    error = said(capsys, status=ExitCode.FAILED)
    assert error.startswith(f"{written / 'silver/rides'}: expected a table of Delta, but there is none.")
    assert "nyc export --format delta --layers" in error
    assert export(EXPORT) == ExitCode.DONE
    assert troubles() == {}


def test_a_layer_without_tables_is_named(written: Path) -> None:
    shutil.rmtree(written / "gold")
    assert troubles().keys() == {"gold/zones"}
    export_layers()
    assert troubles() == {}


LAST = f"_delta_log/{1:020}.json"


def _cut(table: Path) -> None:
    (table / LAST).write_bytes((table / LAST).read_bytes()[:80])


def _first_commit_gone(table: Path) -> None:
    (table / f"_delta_log/{0:020}.json").unlink()


def _all_commits_gone(table: Path) -> None:
    (table / f"_delta_log/{0:020}.json").unlink()
    (table / LAST).rename(table / "_delta_log/notes.json")


@pytest.mark.parametrize("damage", [_cut, _first_commit_gone, _all_commits_gone])
def test_a_damaged_log_is_named_and_is_written_anew_when_it_was_deleted(
    damage: Callable[[Path], None], written: Path, published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layered_release(published, number=2, partitions={**PARTITIONS, "green/2025-02": "b 10"})
    export_layers()
    table = written / "silver/rides"
    damage(table)
    error = said(capsys, status=ExitCode.FAILED)
    assert error.startswith(f"{table}: expected a table of Delta, but its log in _delta_log does not open: ")
    assert "Delete its folder" in error
    assert not states()["silver/rides"].opens
    # Not mended by itself: others may have written to it. The other table is written all the same.
    shutil.rmtree(written / "gold")
    assert export(EXPORT) == ExitCode.FAILED
    assert f"{table}: expected a table of Delta" in capsys.readouterr().err
    assert troubles().keys() == {"silver/rides"}
    shutil.rmtree(table)
    assert export(EXPORT) == ExitCode.DONE
    assert troubles() == {}


@pytest.mark.usefixtures("written")
def test_tables_of_an_earlier_release_are_behind_and_well(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layered_release(published, number=2, partitions={"green/2025-01": "a 40"})
    assert {each.is_behind for each in states().values()} == {True}
    assert troubles() == {}
    assert main([]) == ExitCode.DONE
    assert f"Bring what is behind up to date: {EXPORT_COMMAND}" in " ".join(capsys.readouterr().out.split())
    export_layers()
    assert {each.is_behind for each in states().values()} == {False}


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (Path.unlink, "somebody has removed a commit"),
        (lambda path: path.write_bytes(b""), "or emptied it"),
        (lambda path: path.with_name(".written").write_bytes(b"{"), "somebody has changed it"),
    ],
)
def test_a_last_commit_that_is_gone_or_empty_is_committed_again(
    damage: Callable[[Path], None], words: str, written: Path, published: Path
) -> None:
    layered_release(published, number=2, partitions={"green/2025-01": "a 40"})
    export_layers()
    damage(written / "silver/rides" / LAST)
    assert words in troubles()["silver/rides"]
    export_layers()
    assert troubles() == {}
    assert states()["silver/rides"].rows == 40


@pytest.mark.parametrize(
    ("damage", "words"), [(Path.unlink, "is not there"), (lambda path: path.write_bytes(b"PAR1"), "has 4 bytes, not")]
)
def test_a_file_of_data_that_is_gone_or_cut_is_put_again(
    damage: Callable[[Path], None], words: str, written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = min((written / "silver/rides").glob("*.parquet"))
    # The release has it too, as a link.
    copy = file.read_bytes()
    file.unlink()
    file.write_bytes(copy)
    damage(file)
    error = said(capsys, status=ExitCode.FAILED)
    assert f"expected all files of version 0, but {file.name} {words}" in error
    assert "Put them again: nyc export --format delta --layers" in error
    (again, other) = export_layers()
    assert (again.files_written, again.bytes_written, other.files_written) == (1, len(copy), 0)
    assert troubles() == {}
    assert file.read_bytes() == copy


def test_rows_that_somebody_else_wrote_are_named(written: Path) -> None:
    DeltaTable(written / "silver/rides").delete("feed = 'green'")
    assert "expected 590 rows" in troubles()["silver/rides"]
    assert "somebody else has written to it" in troubles()["silver/rides"]


def test_an_empty_table_is_named(release: Release, lake: Path, published: Path) -> None:
    layered_release(published, number=2, zones=NO_ZONES)
    export_layers()
    assert troubles().keys() == {"gold/zones"}
    assert "the table is empty" in troubles()["gold/zones"]


def test_nothing_published_and_no_layers_are_not_there_yet(
    published: Path, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "nothing has been published yet" in said(capsys, status=ExitCode.NOT_THERE_YET)
    assert export(EXPORT) == ExitCode.NOT_THERE_YET
    make_release(published)
    capsys.readouterr()
    assert "no table of the current release is in a layer" in said(capsys, status=ExitCode.NOT_THERE_YET)


@pytest.mark.parametrize("arguments", [["--layers"], [*EXPORT, "--select", "dim_zone"], [*EXPORT, "--to", "elsewhere"]])
def test_layers_go_to_their_own_place_alone(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        export(arguments)
    assert ended.value.code == ExitCode.BAD_ARGUMENTS
    assert "--layers: expected --format delta" in capsys.readouterr().err


@pytest.mark.parametrize(("url", "words"), [("s3://me:hunter2@bucket", "without a user"), ("gs://bucket", "expected")])
def test_a_bad_place_is_a_bad_setting(
    url: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAYERS_URL", url)
    runs: tuple[Callable[[], int], ...] = (lambda: main([]), lambda: export(EXPORT))
    for run in runs:
        with pytest.raises(SystemExit) as ended:
            run()
        assert ended.value.code == ExitCode.BAD_ARGUMENTS
        error = capsys.readouterr().err
        assert "LAYERS_URL" in error
        assert words in error
        assert "hunter2" not in error


def test_ages_are_in_the_largest_unit() -> None:
    found = [age_in_words(seconds) for seconds in (0, 59, 60, 3_599, 3_600, 86_399, 86_400)]
    assert found == ["0 s", "59 s", "1 min", "59 min", "1 h", "23 h", "1 d"]


@pytest.fixture
def s3_layers(layered: Release, s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 itself as the place of the layers, with neither bucket in it."""
    monkeypatch.setenv("LAYERS_URL", "s3://")
    files = Location.of("s3://any").filesystem()
    for bucket in ("silver", "gold"):
        if files.exists(bucket):
            files.rm(bucket, recursive=True)


def test_in_s3_the_buckets_are_made_and_their_tables_open(
    s3_layers: None, layered: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    error = said(capsys, status=ExitCode.FAILED)
    assert error.startswith("s3://silver: expected this bucket, but there is none. Create it")
    assert export(EXPORT) == ExitCode.DONE
    capsys.readouterr()
    options = Location.of("s3://silver").delta_options()
    table = DeltaTable("s3://silver/rides", storage_options=options)
    assert table.to_pyarrow_table().num_rows == 590
    files = Location.of("s3://silver").filesystem()
    assert files.exists("s3://silver/rides/_delta_log/00000000000000000000.json")
    assert said(capsys, status=ExitCode.DONE) == ""
    # Deleted, damaged, and a file of data gone.
    files.rm("s3://gold/zones", recursive=True)
    assert troubles().keys() == {"gold/zones"}
    files.rm(f"s3://silver/rides/{table.file_uris()[0].rpartition('/')[2]}")
    assert "is not there" in troubles()["silver/rides"]
    export_layers()
    assert troubles() == {}
    files.pipe("s3://silver/rides/_delta_log/00000000000000000000.json", b'{"commitInfo": {"time')
    assert "its log in _delta_log does not open" in troubles()["silver/rides"]
    with pytest.raises(ExportError, match="Delete its folder"):
        export_layers()


def test_below_a_prefix_no_bucket_is_made(
    layered: Release, s3_environment: dict[str, str], bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERS_URL", "s3://there-is-none/layers")
    with pytest.raises(ExportError, match="s3://there-is-none: expected this bucket, but there is none"):
        export_layers()
    monkeypatch.setenv("LAYERS_URL", f"s3://{bucket}/layers")
    assert [each.address for each in export_layers()] == [
        f"s3://{bucket}/layers/silver/rides",
        f"s3://{bucket}/layers/gold/zones",
    ]
    assert troubles() == {}


def test_a_server_that_does_not_answer_is_named_at_once(
    layered: Release,
    s3_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    unused_address: str,
) -> None:
    monkeypatch.setenv("LAYERS_URL", "s3://")
    monkeypatch.setenv("AWS_ENDPOINT_URL", unused_address)
    runs: tuple[Callable[[], int], ...] = (lambda: main([]), lambda: main(["--wait", "1"]), lambda: export(EXPORT))
    for run in runs:
        assert run() == ExitCode.FAILED
        error = capsys.readouterr().err
        assert error.startswith(f"{unused_address}: expected a server of S3 to answer")
        assert "nothing listens there" in error
        assert "testing-secret" not in error


def test_waiting_ends_when_the_server_answers(s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERS_URL", "s3://")
    assert main(["--wait", "5"]) == ExitCode.DONE


def test_a_folder_is_not_waited_for(lake: Path, monkeypatch: pytest.MonkeyPatch, unused_address: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", unused_address)
    assert main(["--wait", "5"]) == ExitCode.DONE


@pytest.fixture
def unused_address() -> str:
    """The address of a port that nothing listens on."""
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"
