"""What is sent: without secrets, markup and headers of others, and not too long."""

from email import message_from_string
from email.policy import default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitoring.alerts.conditions import Condition
from monitoring.alerts.delivery import Alert, AlertSettings, Email, Slack
from monitoring.alerts.messages import alert_of_over, alerts_of
from monitoring.alerts.outages import Outage
from monitoring.runbooks import Runbook
from tests.orchestration.sensors.sinks import MailSink, WebhookSink, serving
from warehouse.verdict import Level, Trouble

HOSTILE = "<!channel> *bold* `code` ``` </b>&amp; \r\nBcc: all@example.com\r\n\r\n\x1b[31m\ud800 http://a:s3cret@h/x?token=s3cret"


def _sent(alert: Alert) -> tuple[str, str]:
    """What arrives of it at Slack and by e-mail."""
    with serving(slack := WebhookSink()), serving(mail := MailSink()):
        Slack(f"{slack.url}/x").deliver(alert)
        Email("127.0.0.1", mail.port, "none", "a@example.com", ("b@example.com",)).deliver(alert)
    return slack.posted[0][1], mail.messages[0]


def test_nothing_that_others_wrote_is_markup_or_a_header_or_a_secret() -> None:
    text, sent = _sent(Alert(HOSTILE, f"{HOSTILE}\nsecond line", ("http://a:s3cret@h/x?token=s3cret",)))
    assert "<" not in text
    assert "&lt;!channel&gt;" in text
    # One line in bold, and one block of code.
    assert (text.splitlines()[0].count("*"), text.count("```"), text.count("`")) == (2, 2, 6)
    message = message_from_string(sent, policy=default)
    assert (message["Bcc"], message["To"]) == (None, "b@example.com")
    assert message["Subject"].startswith("[nyc] <!channel>")
    body = message.get_content()
    assert "second line" in body
    for said in (text, sent, body):
        assert "s3cret" not in said
        assert "\x1b" not in said


@given(st.text(max_size=200), st.text(max_size=400))
@example("", "\x1e\r")
def test_any_text_is_an_alert_that_can_be_sent(headline: str, body: str) -> None:
    alert = Alert(headline, body, (headline,))
    assert "\n" not in alert.headline
    mail = Email("localhost", 25, "none", "a@example.com", ("b@example.com",))
    assert "Subject: [nyc]" in mail._message(alert).as_bytes().decode("ascii")
    # What is kept in the file and read again is the same.
    assert Alert(alert.headline, alert.body, alert.links) == alert


def test_an_alert_is_not_longer_than_people_read() -> None:
    alert = Alert("word " * 1000, "line\n" * 10_000)
    assert (len(alert.headline), len(alert.body)) == (150, 3500)


def _words(facts: object) -> list[Trouble]:
    assert isinstance(facts, list)
    reasons = tuple(f"feed: {fact}" for fact in facts)
    return [
        Trouble(Level.ATTENTION, f"{len(facts)} months missing", reasons, "Load it.", ("nyc gaps --fill",), ("no",))
    ]


def test_conditions_of_one_kind_are_one_message_that_names_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCS_URL", "https://docs.example.com/")
    missing = [Condition(f"ledger/{n}", Runbook.GAP, f"{n}", (n,), _words) for n in range(30)]
    full = Condition("disk/x", Runbook.DISK_NEARLY_FULL, "x", (1,), _words)
    gap, disk = alerts_of([*missing, full])
    assert gap.headline == "Gap: 30 months missing"
    assert gap.body.splitlines() == [
        *(f"- feed: {n}" for n in range(10)),
        "- and 20 more: nyc health --live",
        "What to do: Load it.",
        "  nyc gaps --fill",
        "If it is to stay as it is:",
        "  no",
    ]
    assert gap.links == ("https://docs.example.com/runbooks/gap/",)
    assert disk.headline == "Disk nearly full: 1 months missing"


def test_what_is_over_is_one_short_message() -> None:
    over = [Outage(Runbook.GAP, f"green 2025-{n:02} missing", 0) for n in range(1, 13)]
    alert = alert_of_over([*over, Outage(Runbook.DISK_NEARLY_FULL, "the disk at /", 0)])
    assert alert.headline == "Over: gap, disk nearly full"
    assert alert.body.splitlines()[::10] == ["- green 2025-01 missing", "- and 3 more"]


def test_settings_show_no_secret() -> None:
    settings = AlertSettings.from_environment(
        {
            "ALERT_SLACK_WEBHOOK_URL": "https://hooks.example.com/s3cret",
            "ALERT_SMTP_HOST": "mail",
            "ALERT_EMAIL_TO": "a@example.com",
            "ALERT_SMTP_PASSWORD": "s3cret",
        }
    )
    assert "s3cret" not in repr(settings)
    assert list(settings.ways) == ["slack", "email"]
