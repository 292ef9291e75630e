"""What is pushed to a Pushgateway, and that its password stays here."""

import base64
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import pytest

from ingestion.catalog import FEEDS
from monitoring.command import push
from monitoring.push import GATEWAY_VARIABLE, Gateway, PushError, RunResult, push_figures
from tests.monitoring.reading import values
from warehouse.connection import open_for_writing
from warehouse.ledger import Fingerprint, Ledger, RunAsset, Watermark

PASSWORD = "s3cr3t/p@ss"
RESULT = RunResult("daily", is_success=False, seconds=2.5, ended_at=1000.0)


class _Gateway(ThreadingHTTPServer):
    """Takes what is pushed and keeps it; answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pushed: list[tuple[str, str, str | None, str]] = []
        self.status = 200


class _Handler(BaseHTTPRequestHandler):
    server: _Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.pushed.append((self.command, self.path, self.headers["Authorization"], body))
        self.send_response(self.server.status, f"no, {PASSWORD}" if self.server.status >= 400 else "fine")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[_Gateway]:
    with _Gateway() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def loaded(database: Path) -> Path:
    with open_for_writing() as connection:
        ledger = Ledger(connection)
        for month, rows in (("2025-01", 3), ("2025-02", 4)):
            ledger.set_watermark("yellow", month, Watermark("1", rows, None, None, Fingerprint("http://x")))
        # The last one is of another engine.
        for kind, day, seconds in (("dbt build", 1, 9.0), ("dbt build", 2, 0.5), ("spark build", 3, 99.0)):
            at = datetime(2025, 6, day)
            run_id = ledger.start_run(kind, {}, started_by="terminal", started_at=at)
            ledger.record_asset(run_id, RunAsset("fact", None, "built", rows=int(seconds * 10), seconds=seconds))
            ledger.finish_run(run_id, "success", finished_at=at)
    return database


def _named(url: str, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    monkeypatch.setenv(GATEWAY_VARIABLE, url)
    found = Gateway.from_environment()
    assert found
    return found


@pytest.mark.usefixtures("loaded")
def test_rows_and_durations_and_how_a_run_ended_are_pushed(gateway: _Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    assert push_figures(_named(f"http://127.0.0.1:{gateway.server_port}/", monkeypatch), RESULT)
    (_, run_path, _, run), (method, path, authorization, ledger) = gateway.pushed
    assert (method, path, authorization) == ("POST", "/metrics/job/dagster_pipeline", None)
    raw = f"raw_data.{FEEDS['yellow'].raw_table}"
    assert values(ledger, "dagster_table_row_count") == {(raw,): 7, ("fact",): 5}
    assert values(ledger, "dagster_asset_duration_seconds") == {("fact",): 0.5}
    assert run_path == "/metrics/job/dagster_pipeline/dagster_job/daily"
    assert values(run, "dagster_run_success") == {(): 0}
    assert values(run, "dagster_run_duration_seconds") == {(): 2.5}


@pytest.mark.usefixtures("loaded")
def test_a_user_and_password_in_the_address_are_sent_as_such(
    gateway: _Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_figures(_named(f"http://ann:s3cr3t%2Fp%40ss@127.0.0.1:{gateway.server_port}", monkeypatch))
    [(_, path, authorization, _)] = gateway.pushed
    assert path == "/metrics/job/dagster_pipeline"
    assert authorization == "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("status", [401, 500])
def test_a_refusal_is_told_without_the_password(
    gateway: _Gateway, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.status = status
    monkeypatch.setenv(GATEWAY_VARIABLE, f"http://ann:s3cr3t%2Fp%40ss@127.0.0.1:{gateway.server_port}")
    assert push([]) == 1
    said = capsys.readouterr().err
    assert f"http://127.0.0.1:{gateway.server_port}: expected the Pushgateway" in said
    assert str(status) in said
    assert "s3cr3t" not in said


@pytest.mark.parametrize(
    "address",
    ["ann:s3cr3t@gateway", "ftp://ann:s3cr3t@gateway", "http://", "http://ann:s3cr3t@gateway:x", "?token=s3cr3t"],
)
def test_what_is_no_address_is_told_without_its_password(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GATEWAY_VARIABLE, address)
    with pytest.raises(PushError, match=GATEWAY_VARIABLE) as refused:
        Gateway.from_environment()
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.usefixtures("loaded")
def test_a_gateway_that_is_down_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PushError, match=r"^http://127.0.0.1:1: "):
        push_figures(_named("http://ann:s3cr3t@127.0.0.1:1", monkeypatch))


@pytest.mark.usefixtures("database")
def test_without_a_gateway_or_a_ledger_the_exit_code_says_so(
    gateway: _Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(GATEWAY_VARIABLE, raising=False)
    assert push([]) == 2
    monkeypatch.setenv(GATEWAY_VARIABLE, f"http://127.0.0.1:{gateway.server_port}")
    assert push([]) == 3
    assert gateway.pushed == []


@pytest.mark.skipif(shutil.which("prometheus-pushgateway") is None, reason="prometheus-pushgateway is not installed")
@pytest.mark.usefixtures("loaded")
def test_a_real_gateway_keeps_the_results_of_all_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    # Some builds keep what was pushed in a file of the machine, unless they are told another.
    kept = f"--persistence.file={tmp_path / 'pushed'}"
    with subprocess.Popen(
        ["prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{port}", kept], stderr=subprocess.DEVNULL
    ) as process:
        try:
            patience = time.monotonic() + 20
            while time.monotonic() < patience and process.poll() is None:
                try:
                    urlopen(f"{url}/-/ready", timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            push_figures(_named(url, monkeypatch), RESULT)
            push_figures(_named(url, monkeypatch), RunResult("weekly/a", is_success=True, seconds=None, ended_at=2.0))
            with urlopen(f"{url}/metrics", timeout=10) as answer:
                text = answer.read().decode()
        finally:
            process.terminate()
    assert values(text, "dagster_run_success") == {
        ("daily", "", "dagster_pipeline"): 0,
        ("weekly/a", "", "dagster_pipeline"): 1,
    }
    assert values(text, "dagster_table_row_count")["", "dagster_pipeline", "fact"] == 5
