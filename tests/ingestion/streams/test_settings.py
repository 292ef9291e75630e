"""Settings come from the environment, reach the client, and are never shown where they are secret."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion.errors import SettingError
from ingestion.run_pipeline import parse_arguments as parse_load
from ingestion.streams.command import exit_status, parse_arguments
from ingestion.streams.results import StreamResult
from ingestion.streams.settings import BatchBounds, KafkaSettings, RegistrySettings
from warehouse.exit_codes import ExitCode


def test_security_reaches_the_client_and_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "KAFKA_BOOTSTRAP_SERVERS": "a:1,b:2",
        "KAFKA_SECURITY_PROTOCOL": "sasl_ssl",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_SASL_USERNAME": "reader",
        "KAFKA_SASL_PASSWORD": "hidden-1",
        "KAFKA_SSL_CA_LOCATION": "/ca.pem",
        "KAFKA_SSL_KEY_PASSWORD": "hidden-2",
        "SCHEMA_REGISTRY_USER": "reader",
        "SCHEMA_REGISTRY_PASSWORD": "hidden-3",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings, registry = KafkaSettings.from_environment(), RegistrySettings.from_environment()
    assert settings.client() == {
        "bootstrap.servers": "a:1,b:2",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "reader",
        "sasl.password": "hidden-1",
        "ssl.ca.location": "/ca.pem",
        "ssl.key.password": "hidden-2",
    }
    assert registry.password == "hidden-3"
    assert "hidden" not in f"{settings} {registry}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("SCHEMA_REGISTRY_URL", "registry:8081"),
        ("STREAM_BATCH_ROWS", "many"),
        ("STREAM_BATCH_SECONDS", "-1"),
        ("STREAM_BATCH_MEGABYTES", "nan"),
    ],
)
def test_a_setting_that_is_wrong_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=f"expected {name} to be .*got '{value}'"):
        (KafkaSettings.from_environment(), RegistrySettings.from_environment(), BatchBounds.from_environment())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "unknown source 'nonsense'"),
        (["yellow"], "yellow has files and is no stream"),
        (["trades,minute_aggs"], "nyc load --sources minute_aggs"),
        (["mobility"], "mobility has files and is no stream"),
    ],
)
def test_what_is_no_stream_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse_arguments(arguments, "nyc stream")
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_subject_stands_for_its_streams_and_nothing_for_all() -> None:
    assert parse_arguments(["markets"], "nyc stream")[1] == parse_arguments([], "nyc stream")[1]


def test_a_load_of_files_says_of_a_stream_that_it_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse_load(["--sources", "trades", "--from", "2026-01-05", "--to", "2026-01-05"])
    assert "nyc stream trades --once" in capsys.readouterr().err
    _, partitions = parse_load(["--sources", "markets", "--from", "2026-01-05", "--to", "2026-01-05"])
    assert partitions
    assert not any(partition.feed.is_stream for partition in partitions)


def test_the_exit_status_says_what_is_missing_only_to_who_waits_for_nothing() -> None:
    missing, failed = StreamResult("a", "t", is_missing=True), StreamResult("b", "t", errors=["lost"])
    assert exit_status([missing], once=True) == ExitCode.NOT_THERE_YET
    assert exit_status([missing], once=False) == ExitCode.DONE
    assert exit_status([missing, failed], once=True) == ExitCode.FAILED


def test_without_the_extra_one_sentence_says_how_to_install_it(tmp_path: Path, database: Path) -> None:
    code = """
import sys
from importlib import util
find = util.find_spec
util.find_spec = lambda name, *rest: None if name in ("confluent_kafka", "fastavro") else find(name, *rest)
sys.modules["confluent_kafka"] = sys.modules["fastavro"] = None
from ingestion.streams.command import main
sys.exit(main([]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert (done.returncode, done.stderr.strip()) == (
        1,
        "streams need confluent_kafka and fastavro. Install: poetry install --extras streams",
    )
    assert not database.exists()
