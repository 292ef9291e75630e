"""`nyc alerts`: what it says, tells and keeps, and how it ends."""

import json
from datetime import timedelta

import pytest

from monitoring.alerts.command import main
from monitoring.alerts.store import state_path
from tests.monitoring.alerts.conftest import WrittenLedger
from tests.orchestration.sensors.sinks import WebhookSink
from warehouse.ledger import utc_now


def test_nothing_is_told_of_a_fresh_install(slack: WebhookSink, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 3
    assert "nothing is loaded yet" in capsys.readouterr().err
    assert (slack.posted, state_path().exists()) == ([], False)


def test_a_dry_run_tells_nobody_and_keeps_nothing(
    slack: WebhookSink, ledger: WrittenLedger, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.load("green", "2025-01", "2025-03")
    ledger.date(utc_now() - timedelta(hours=2))
    assert main(["--dry-run"]) == 0
    assert "would tell: Gap: " in capsys.readouterr().out
    assert (slack.posted, state_path().exists()) == ([], False)
    assert main(["--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {alert["headline"].partition(":")[0] for alert in told["told"]} == {"Gap", "Freshness missed"}
    assert {outage["runbook"] for outage in told["outages"]} == {"gap", "freshness-missed"}
    assert len(slack.posted) == 2
    assert main([]) == 0
    assert "nothing new to tell" in capsys.readouterr().out
    assert len(slack.posted) == 2


def test_nobody_to_tell_a_wrong_setting_and_a_channel_that_fails_are_told_apart(
    ledger: WrittenLedger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.load("green", "2025-01")
    assert main([]) == 3
    assert "nobody is to be told" in capsys.readouterr().err
    monkeypatch.setenv("ALERT_SLACK_WEBHOOK_URL", "http://127.0.0.1:9/s3cret?token=s3cret")
    monkeypatch.setenv("ALERT_PATIENCE_MINUTES", "soon")
    assert main([]) == 2
    assert "ALERT_PATIENCE_MINUTES" in capsys.readouterr().err
    monkeypatch.setenv("ALERT_PATIENCE_MINUTES", "0")
    assert main([]) == 1
    said = capsys.readouterr()
    assert "the webhook could not be reached" in said.err
    assert "s3cret" not in said.out + said.err + state_path().read_text()
