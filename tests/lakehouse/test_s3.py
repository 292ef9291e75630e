"""Exports to S3: what readers find, what is sent again, and what happens when the bucket refuses."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.lakehouse.fingerprint import fingerprints_of_file
from tests.lakehouse.processes import EXPORT, interpreter
from tests.lakehouse.reading import READERS, by_csv, by_pyarrow, of_release
from tests.lakehouse.releases import CHANGED, FACT, make_changed_release, make_release
from tests.lakehouse.s3_proxy import S3Proxy
from warehouse.exit_codes import ExitCode
from warehouse.lakehouse import ExportError, Location, export
from warehouse.lakehouse.destination import destination, exports_folder
from warehouse.lakehouse.exporting import locked
from warehouse.paths import PROJECT_ROOT
from warehouse.releases import Release

SECRET = "testing-secret"


@pytest.fixture
def lake(bucket: str) -> Location:
    return Location.of(f"s3://{bucket}/some/lake")


@pytest.fixture
def proxy(s3_environment: dict[str, str], bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """What this process and its children ask in place of S3."""
    with S3Proxy(s3_environment["AWS_ENDPOINT_URL"]).running() as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        yield proxy


def _keys(lake: Location, format_: str) -> set[str]:
    files = lake.filesystem()
    prefix = lake.joined(format_).url.removeprefix("s3://") + "/"
    return {key.removeprefix(prefix) for key in files.find(prefix)}


def _downloaded(lake: Location, format_: str, folder: Path) -> Location:
    lake.filesystem().get(lake.joined(format_).url, str(folder / format_), recursive=True)
    return Location.of(str(folder))


@pytest.mark.parametrize("read", READERS)
def test_every_reader_finds_what_was_published(read: Any, release: Release, lake: Location) -> None:
    export("parquet", to=lake)
    assert read(lake, release) == of_release(release)


def test_csv_and_duckdb_are_what_was_published(release: Release, lake: Location, tmp_path: Path) -> None:
    export("csv", to=lake)
    assert by_csv(_downloaded(lake, "csv", tmp_path / "down"), release) == of_release(release)
    to = lake.joined("all.duckdb")
    (done,) = export("duckdb", to=to)
    assert done.address == to.url
    lake.filesystem().get_file(to.url, str(tmp_path / "all.duckdb"))
    found = fingerprints_of_file(str(tmp_path / "all.duckdb"))
    assert {table: found[table] for table in of_release(release)} == of_release(release)


@pytest.mark.parametrize("format_", ["parquet", "csv", "duckdb"])
def test_the_same_release_is_not_sent_again(format_: str, release: Release, lake: Location, proxy: S3Proxy) -> None:
    export(format_, to=lake)
    assert proxy.requests["PUT"] > 0
    proxy.forget()
    assert [each.files_written for each in export(format_, to=lake) if each.files_written] == []
    assert (proxy.requests["PUT"], proxy.requests["POST"], proxy.requests["DELETE"]) == (0, 0, 0)
    assert not list(exports_folder().glob("*/"))


def test_only_what_changed_is_sent(published: Path, release: Release, lake: Location, proxy: S3Proxy) -> None:
    export("parquet", to=lake)
    after = make_changed_release(published, release)
    done = {each.table: each.files_written for each in export("parquet", to=lake)}
    assert done == {FACT: 2, "core_core.dim_zone": 1, "meta.runs": 0}
    assert by_pyarrow(lake, after) == of_release(after)
    assert {key for key in _keys(lake, "parquet") if "fct_trips" in key} == {
        f"core_core/fct_trips/{partition}.parquet" for partition in CHANGED
    }


# The order of what is sent: a note, the two files of the fact, a note, the small table, the last note.
@pytest.mark.parametrize(
    ("format_", "number"), [("parquet", 1), ("parquet", 3), ("parquet", 6), ("csv", 2), ("csv", 5)]
)
def test_after_a_refused_put_a_plain_run_mends_it(
    format_: str, number: int, published: Path, release: Release, lake: Location, proxy: S3Proxy, tmp_path: Path
) -> None:
    export(format_, to=lake)
    after = make_changed_release(published, release)
    proxy.forget()
    proxy.refuse = ("PUT", number)
    with pytest.raises(ExportError, match=r"refuses: AccessDenied: not today.*AWS_ACCESS_KEY_ID") as refused:
        export(format_, to=lake)
    assert len(str(refused.value)) < 600
    noted = json.loads(lake.filesystem().cat_file(lake.joined(format_, "_export.json").url))
    # Nobody is told that the export is of the new release.
    assert noted["release"] == (release.id if number == 1 else None)
    proxy.forget()
    export(format_, to=lake)
    read = by_pyarrow if format_ == "parquet" else by_csv
    there = lake if format_ == "parquet" else _downloaded(lake, format_, tmp_path / "down")
    assert read(there, after) == of_release(after)
    assert _keys(lake, format_) == _keys_of_a_fresh_export(lake, format_)


def _keys_of_a_fresh_export(lake: Location, format_: str) -> set[str]:
    fresh = lake.joined("fresh")
    export(format_, to=fresh)
    return _keys(fresh, format_)


def test_what_was_sent_before_a_refusal_is_not_sent_again(release: Release, lake: Location, proxy: S3Proxy) -> None:
    proxy.refuse = ("PUT", 4)
    with pytest.raises(ExportError):
        export("parquet", to=lake)
    proxy.forget()
    assert sum(each.files_written for each in export("parquet", to=lake)) == 3


@pytest.mark.parametrize("number", [1, 4, 9])
def test_killed_anywhere_a_plain_run_mends_it(number: int, release: Release, lake: Location, proxy: S3Proxy) -> None:
    # Its first writes wait until it is known here.
    started = Event()
    proxy.before_put = lambda count: process.kill() if started.wait(60) and count == number else None
    process = interpreter().start([*EXPORT, "--to", lake.url])
    started.set()
    with process.stdout:
        assert process.wait(60) == -9
    proxy.before_put = lambda _: None
    export("parquet", to=lake)
    assert by_pyarrow(lake, release) == of_release(release)
    assert _keys(lake, "parquet") == _keys_of_a_fresh_export(lake, "parquet")
    assert not list(exports_folder().glob("*/"))


def test_parts_of_a_large_file_that_a_crash_left_are_removed(release: Release, lake: Location) -> None:
    files = lake.filesystem()
    key = lake.joined("parquet", "core_core", "fct_trips", "green", "2025-01.parquet").key
    begun = files.call_s3("create_multipart_upload", Bucket=lake.bucket, Key=key)
    part = {"Bucket": lake.bucket, "Key": key, "UploadId": begun["UploadId"], "PartNumber": 1, "Body": b"half"}
    files.call_s3("upload_part", **part)
    other = files.call_s3("create_multipart_upload", Bucket=lake.bucket, Key="somebody/else")
    export("parquet", to=lake)
    left = files.call_s3("list_multipart_uploads", Bucket=lake.bucket)["Uploads"]
    assert [each["UploadId"] for each in left] == [other["UploadId"]]


def test_a_large_file_arrives_whole(lake: Location, published: Path, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(os.urandom(1 << 20) * 37)
    with destination(lake) as to:
        stored = to.put(large, "large")
        assert to.stored() == {"large": stored}
    assert lake.filesystem().cat_file(lake.joined("large").url) == large.read_bytes()


def test_two_exporters_at_once(release: Release, lake: Location) -> None:
    """On one machine, the second waits, however both address S3."""
    command = [sys.executable, "-m", "warehouse.lakehouse.command", "--to", lake.url, "--json"]
    with locked(lake):
        processes = [
            subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        for process in processes:
            assert process.stderr
            assert "is being written to: waiting for it" in process.stderr.readline()
    answers = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [ExitCode.DONE, ExitCode.DONE]
    written = sorted(sum(each["files_written"] for each in json.loads(answer)) for answer in answers)
    assert written == [0, 5]
    assert by_pyarrow(lake, release) == of_release(release)


def test_exporters_of_two_machines_at_once_are_mended_by_a_plain_run(
    release: Release, lake: Location, tmp_path: Path
) -> None:
    """Their locks are not each other's."""
    others = {name: tmp_path / name for name in ("first", "second")}
    for folder in others.values():
        make_release(folder)
    processes = [
        interpreter().start([*EXPORT, "--to", lake.url], os.environ | {"PUBLISHED_FOLDER": str(folder)})
        for folder in others.values()
    ]
    for process in processes:
        with process.stdout:
            assert process.wait(60) == ExitCode.DONE
    export("parquet", to=lake)
    assert by_pyarrow(lake, release) == of_release(release)


def test_a_bucket_that_is_not_there(release: Release, s3_environment: dict[str, str]) -> None:
    with pytest.raises(
        ExportError, match=r"expected the bucket 'no-such-bucket', but there is none.*Create it"
    ) as error:
        export("parquet", to=Location.of("s3://no-such-bucket/x"))
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_bucket_that_refuses(method: str, release: Release, lake: Location, proxy: S3Proxy) -> None:
    proxy.refuse = (method, 0)
    with pytest.raises(ExportError, match=rf"the bucket '{lake.bucket}' refuses: AccessDenied") as error:
        export("parquet", to=lake)
    assert SECRET not in str(error.value)
    proxy.forget()
    assert _keys(lake, "parquet") == set()


def test_a_server_that_does_not_answer(release: Release, lake: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://me:hunter2@127.0.0.1:9")
    with pytest.raises(ExportError, match=r"S3 cannot be reached.*Check AWS_ENDPOINT_URL") as error:
        export("parquet", to=lake)
    assert "hunter2" not in str(error.value)
