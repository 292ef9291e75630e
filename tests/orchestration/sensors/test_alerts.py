"""The alert sensor, with runs that really fail and sinks that take what is told of them."""

import logging
import os
from collections.abc import Iterator
from datetime import date
from email import message_from_string
from email.policy import default
from pathlib import Path

import dagster as dg
import pytest

from ingestion.catalog import FEEDS
from ingestion.pipeline import ingest
from monitoring.alerts.delivery import AlertSettings, AlertSettingsError
from monitoring.alerts.telling import deliver
from orchestration.assets.raw_assets import raise_on_failure
from orchestration.sensors.alerts import alert_sensor
from sandbox.faults import Fault
from sandbox.server import SamplePublisher
from tests.orchestration.sensors.sinks import MailSink, WebhookSink, serving
from tests.partitions import partition_of

MAY = date(2025, 5, 1)
WEBHOOK_SECRET = "T0/B0/s3cr3t-of-the-webhook"
PASSWORD = "s3cr3t-of-the-mailbox"


@pytest.fixture(autouse=True)
def unconfigured(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_WEBHOOK_URL", "SMTP_HOST", "SMTP_PORT", "SMTP_SECURITY", "SMTP_USER", "SMTP_PASSWORD"):
        monkeypatch.delenv(f"ALERT_{name}", raising=False)
    for name in ("ALERT_EMAIL_FROM", "ALERT_EMAIL_TO", "DAGSTER_UI_URL", "DOCS_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebhookSink]:
    with serving(sink := WebhookSink()):
        monkeypatch.setenv("ALERT_SLACK_WEBHOOK_URL", f"{sink.url}/services/{WEBHOOK_SECRET}")
        yield sink


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailSink]:
    with serving(sink := MailSink()):
        for name, value in {
            "ALERT_SMTP_HOST": "127.0.0.1",
            "ALERT_SMTP_PORT": str(sink.port),
            "ALERT_SMTP_SECURITY": "none",
            "ALERT_EMAIL_FROM": "dagster@example.com",
            "ALERT_EMAIL_TO": "a@example.com, b@example.com",
        }.items():
            monkeypatch.setenv(name, value)
        yield sink


class _Ticks:
    """The sensor's ticks, each with the cursor that the one before left; the first has none to look back to."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._cursor: str | None = None
        self.said: str | None = None
        self.tick()

    def tick(self) -> list[str | None]:
        """Evaluate the sensor once: for each failed run what Dagster shows of the alert, None where it went well."""
        data = alert_sensor.evaluate_tick(dg.build_sensor_context(self._instance, cursor=self._cursor))
        self._cursor, self.said = data.cursor, data.skip_message
        reactions = data.dagster_run_reactions or []
        return [reaction.error.to_string() if reaction.error else None for reaction in reactions]


@pytest.fixture
def ticks(instance: dg.DagsterInstance) -> _Ticks:
    return _Ticks(instance)


@dg.op
def breaks() -> None:
    raise ValueError("expected rows & columns, but got <nothing>")


@dg.job
def broken_job() -> None:
    breaks()


@dg.op
def load() -> None:
    raise_on_failure(ingest([partition_of(FEEDS["green"], MAY)]))


@dg.job
def load_green_in_may() -> None:
    load()


def _fail(instance: dg.DagsterInstance) -> str:
    result = broken_job.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    return result.run_id


def test_a_failing_source_is_told_with_job_step_error_and_link(
    slack: WebhookSink,
    instance: dg.DagsterInstance,
    ticks: _Ticks,
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with SamplePublisher(MAY, MAY, rows=2000) as publisher:
        for name, value in publisher.environment.items():
            monkeypatch.setenv(name, value)
        publisher.break_("green", MAY, Fault.HTML)
        result = load_green_in_may.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    assert ticks.tick() == [None]
    ((path, text),) = slack.posted
    assert path == f"/services/{WEBHOOK_SECRET}"
    headline, _, body = text.partition("\n")
    assert headline == "*Job load_green_in_may failed*"
    assert body.startswith("```\nStep load: green 2025-05: ")
    assert "expected a whole Parquet file" in body
    links = f"\n```\nhttp://localhost:3000/runs/{result.run_id}\nhttp://localhost:8000/runbooks/run-failed/"
    assert body.endswith(links)
    assert database.exists()


def test_slack_and_mail_are_both_told_once(
    slack: WebhookSink,
    mail: MailSink,
    instance: dg.DagsterInstance,
    ticks: _Ticks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGSTER_UI_URL", "https://dagster.example.com/")
    run_id = _fail(instance)
    assert ticks.tick() == [None]
    assert ticks.tick() == []
    ((_, text),) = slack.posted
    assert "Step breaks: ValueError: expected rows &amp; columns, but got &lt;nothing&gt;" in text
    (sent,) = mail.messages
    message = message_from_string(sent, policy=default)
    assert message["Subject"] == "[nyc] Job broken_job failed"
    assert (message["From"], message["To"]) == ("dagster@example.com", "a@example.com, b@example.com")
    assert "ValueError: expected rows & columns, but got <nothing>" in message.get_content()
    assert f"https://dagster.example.com/runs/{run_id}" in message.get_content()
    assert [command for command in mail.commands if command.startswith("RCPT")] == [
        "RCPT TO:<a@example.com>",
        "RCPT TO:<b@example.com>",
    ]


def test_nobody_is_told_where_nothing_is_configured(instance: dg.DagsterInstance, ticks: _Ticks) -> None:
    _fail(instance)
    assert ticks.tick() == []
    assert ticks.said == "no alerts are configured: see ALERT_ in .env.example"
    assert ticks.tick() == []


def test_an_alert_that_fails_shows_and_is_tried_again_and_keeps_neither_the_other_way_nor_later_runs(
    slack: WebhookSink, mail: MailSink, instance: dg.DagsterInstance, ticks: _Ticks
) -> None:
    slack.status = 500
    _fail(instance)
    (error,) = ticks.tick()
    assert error
    assert "Job broken_job failed: could not be told. Slack: expected the webhook to take the alert, but it " in error
    assert "answered 500" in error
    assert len(mail.messages) == 1
    assert ticks.tick() == []
    assert len(slack.posted) == 1

    slack.status, mail.refusal = 200, "550 no such mailbox"
    _fail(instance)
    (error,) = ticks.tick()
    assert error
    assert f"e-mail by 127.0.0.1:{mail.port}: the alert could not be handed over" in error
    assert len(slack.posted) == 3  # the one that was refused, that again, and the new one

    mail.refusal = None
    assert deliver(AlertSettings.from_environment(os.environ)) == ()
    assert (len(slack.posted), len(mail.messages)) == (3, 2)
    assert deliver(AlertSettings.from_environment(os.environ)) == ()
    assert (len(slack.posted), len(mail.messages)) == (3, 2)


def test_no_secret_is_in_what_is_shown_or_logged(
    instance: dg.DagsterInstance,
    ticks: _Ticks,
    mail: MailSink,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("ALERT_SMTP_USER", "dagster")
    monkeypatch.setenv("ALERT_SMTP_PASSWORD", PASSWORD)
    mail.refusal = "550 no such mailbox"
    shown = []
    for webhook_url in (
        f"http://127.0.0.1:9/services/{WEBHOOK_SECRET}",
        f"http://127.0.0.1:9/services/a blank/{WEBHOOK_SECRET}",
        f"http://no such host/{WEBHOOK_SECRET}",
        f"http://127.0.0.1:nine/{WEBHOOK_SECRET}",
        f"hooks.slack.com/services/{WEBHOOK_SECRET}",
    ):
        monkeypatch.setenv("ALERT_SLACK_WEBHOOK_URL", webhook_url)
        _fail(instance)
        shown += [str(error) for error in ticks.tick()]
        settings = "ALERT_SLACK_WEBHOOK_URL: expected" if webhook_url.startswith("hooks") else "Slack: "
        assert settings in shown[-1]
    assert any(command.startswith("AUTH") for command in mail.commands)
    with pytest.raises(AlertSettingsError):
        AlertSettings.from_environment({"ALERT_SMTP_HOST": "mail", "ALERT_SMTP_PASSWORD": PASSWORD})
    shown += [repr(AlertSettings.from_environment({"ALERT_SLACK_WEBHOOK_URL": f"https://{WEBHOOK_SECRET}"}))]
    shown += [caplog.text, *capfd.readouterr()]
    assert not [text for text in shown if WEBHOOK_SECRET in text or PASSWORD in text]


def test_a_password_is_not_sent_to_a_server_without_tls(
    mail: MailSink, instance: dg.DagsterInstance, ticks: _Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALERT_SMTP_SECURITY")
    monkeypatch.setenv("ALERT_SMTP_USER", "dagster")
    monkeypatch.setenv("ALERT_SMTP_PASSWORD", PASSWORD)
    _fail(instance)
    (error,) = ticks.tick()
    assert error
    assert "SMTPNotSupportedError" in error
    assert not [command for command in mail.commands if command.startswith(("AUTH", "MAIL"))]


def test_a_run_that_is_started_again_by_itself_is_not_told(
    slack: WebhookSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retries = {"run_retries": {"enabled": True, "max_retries": 1}}
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=retries) as instance:
        ticks = _Ticks(instance)
        _fail(instance)
        assert ticks.tick() == [None]
        assert slack.posted == []
        broken_job.execute_in_process(instance=instance, tags={"dagster/max_retries": "0"}, raise_on_error=False)
        assert ticks.tick() == [None]
        assert len(slack.posted) == 1


def test_a_run_that_fails_outside_its_steps_is_told_with_what_dagster_says(
    slack: WebhookSink, instance: dg.DagsterInstance, ticks: _Ticks
) -> None:
    run = instance.create_run_for_job(broken_job)
    instance.report_run_failed(run, message="the run worker was killed")
    assert ticks.tick() == [None]
    assert "Error: the run worker was killed" in slack.posted[0][1]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"ALERT_SMTP_HOST": "mail"}, "ALERT_EMAIL_TO: expected one or more addresses"),
        ({"ALERT_SMTP_HOST": "mail", "ALERT_SMTP_PORT": "x"}, "ALERT_SMTP_PORT: expected a number"),
        ({"ALERT_SMTP_HOST": "mail", "ALERT_SMTP_SECURITY": "tls"}, "expected one of starttls, ssl, none, but got"),
    ],
)
def test_wrong_settings_are_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(AlertSettingsError, match=message):
        AlertSettings.from_environment(environment)


def test_settings_have_defaults_and_an_empty_one_is_none() -> None:
    settings = AlertSettings.from_environment(
        {"ALERT_SLACK_WEBHOOK_URL": " ", "ALERT_SMTP_HOST": "mail", "ALERT_EMAIL_TO": "a@example.com"}
    )
    assert settings.slack is None
    assert settings.email
    assert (settings.email.port, settings.email.security, settings.email.sender) == (587, "starttls", "a@example.com")
