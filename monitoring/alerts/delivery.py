"""Delivers an alert to Slack and by e-mail, as the environment says.

Dagster's own ways do not serve here. `dagster-slack` posts with the token of a bot, which has to be installed in the
workspace and invited to the channel, and knows no webhook. `make_email_on_run_failure_sensor` knows failed runs alone,
always logs in, waits for a mail server without limit, and writes the job's name into the header as it is. Neither
works without Dagster.

Errors never name the webhook's address or the password: they are secrets, and errors end up in logs. What others wrote
into an alert, such as names of files and error texts, becomes neither markup, nor a header, nor a mention.
"""

import http.client
import json
import re
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal, Self, cast, get_args

from warehouse.secrets import scrubbed

# Dagster ends a tick after 60 seconds.
_TIMEOUT_SECONDS = 5

# Slack cuts what is longer than 40,000 characters. Nobody reads so much.
_LONGEST_HEADLINE = 150
_LONGEST_BODY = 3_500
_LONGEST_REASON = 100

# The second is the name that others give it. The first counts for more.
_SLACK_VARIABLES = ("ALERT_SLACK_WEBHOOK_URL", "SLACK_WEBHOOK_URL")

SmtpSecurity = Literal["starttls", "ssl", "none"]
_DEFAULT_PORTS: dict[SmtpSecurity, int] = {"starttls": 587, "ssl": 465, "none": 25}


class AlertSettingsError(ValueError):
    """A setting of alerts that is not valid. The message names the variable, and no secret."""


class AlertNotDeliveredError(Exception):
    """An alert that could not be delivered. The message says why, without secrets."""


@dataclass(frozen=True)
class Alert:
    """A headline, a text, and addresses to follow. Whatever it is made with, it has no secrets and is not too long."""

    headline: str
    body: str
    links: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Take out what must not be sent or kept."""
        headline = _line(scrubbed(self.headline))
        # Without empty lines at the end: made of what was kept, an alert is the same.
        body = "\n".join(_printable(line) for line in scrubbed(self.body).splitlines()).rstrip("\n")
        object.__setattr__(self, "headline", _shortened(headline, _LONGEST_HEADLINE))
        object.__setattr__(self, "body", _shortened(body, _LONGEST_BODY))
        object.__setattr__(self, "links", tuple(_line(scrubbed(link)) for link in self.links))


@dataclass(frozen=True)
class Slack:
    """A Slack channel, by its incoming webhook."""

    webhook_url: str = field(repr=False)

    def deliver(self, alert: Alert) -> None:
        """Post the alert.

        Raises:
            AlertNotDeliveredError: Slack could not be reached, or refused it.
        """
        # Nothing is markup within a block of code. Links are clicked, so they stand outside of it.
        headline = re.sub("[*~`]", "", alert.headline)
        code = _escaped(alert.body.replace("`", "'"))
        body = f"\n```\n{code}\n```" if code else ""
        links = "".join(f"\n{_escaped(link)}" for link in alert.links)
        reason = self._post(f"*{_escaped(headline)}*{body}{links}")
        # Raised here, outside of any except block: a caught exception may hold the address.
        if reason:
            raise AlertNotDeliveredError(f"Slack: {reason}. Check {' or '.join(_SLACK_VARIABLES)}.")

    def _post(self, text: str) -> str | None:
        """Post the text. Returns the reason if that failed."""
        content = json.dumps({"text": text}).encode()
        try:
            # Not with requests, because urllib3 writes addresses to the log.
            request = urllib.request.Request(self.webhook_url, content, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):
                return None
        except urllib.error.HTTPError as error:
            reason = _line(scrubbed(str(error.reason)))[:_LONGEST_REASON]
            return f"expected the webhook to take the alert, but it answered {error.code} {reason}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"the webhook could not be reached ({_kind(error)})"


@dataclass(frozen=True)
class Email:
    """Recipients, and the mail server that accepts mail for them."""

    host: str
    port: int
    security: SmtpSecurity
    sender: str
    recipients: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def deliver(self, alert: Alert) -> None:
        """Send the alert.

        Raises:
            AlertNotDeliveredError: the mail server could not be reached, or refused it.
        """
        reason = self._send(alert)
        if reason:
            raise AlertNotDeliveredError(f"e-mail by {self.host}:{self.port}: {reason}. Check the ALERT_SMTP settings.")

    def _message(self, alert: Alert) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = f"[nyc] {alert.headline}"
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        content = "\n\n".join(part for part in (alert.body, *alert.links) if part)
        # Not every server takes letters beyond ASCII, or lines of any length.
        message.set_content(content, cte="quoted-printable")
        return message

    def _send(self, alert: Alert) -> str | None:
        """Send the alert. Returns the reason if that failed."""
        try:
            message = self._message(alert)
            with self._connection() as server:
                if self.security == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if self.user is not None:
                    server.login(self.user, self.password or "")
                server.send_message(message)
        except smtplib.SMTPResponseException as error:
            return f"expected the mail server to take the alert, but it answered {error.smtp_code} ({_kind(error)})"
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return f"the alert could not be handed over ({_kind(error)})"
        return None

    def _connection(self) -> smtplib.SMTP:
        if self.security == "ssl":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_TIMEOUT_SECONDS, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_SECONDS)


@dataclass(frozen=True)
class AlertSettings:
    """Where alerts go, if that is configured, and the address of Dagster's UI."""

    slack: Slack | None
    email: Email | None
    ui_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings. An empty variable counts as not set.

        Raises:
            AlertSettingsError: a variable is not valid, or another that it needs is missing.
        """
        given = {name: value.strip() for name, value in environment.items() if value.strip()}
        return cls(
            slack=_slack(given), email=_email(given), ui_url=given.get("DAGSTER_UI_URL", "http://localhost:3000")
        )

    @property
    def ways(self) -> dict[str, Slack | Email]:
        """The ways that are configured, by name."""
        found: dict[str, Slack | Email | None] = {"slack": self.slack, "email": self.email}
        return {name: way for name, way in found.items() if way}


def _slack(given: Mapping[str, str]) -> Slack | None:
    variable = next((name for name in _SLACK_VARIABLES if name in given), None)
    if variable is None:
        return None
    webhook_url = given[variable]
    if not webhook_url.startswith(("https://", "http://")):
        raise AlertSettingsError(f"{variable}: expected an address that begins with https://")
    return Slack(webhook_url)


def _email(given: Mapping[str, str]) -> Email | None:
    host = given.get("ALERT_SMTP_HOST")
    if host is None:
        return None
    security = given.get("ALERT_SMTP_SECURITY", "starttls")
    if security not in get_args(SmtpSecurity):
        raise AlertSettingsError(
            f"ALERT_SMTP_SECURITY: expected one of {', '.join(_DEFAULT_PORTS)}, but got {security!r}"
        )
    security = cast(SmtpSecurity, security)
    port = given.get("ALERT_SMTP_PORT", str(_DEFAULT_PORTS[security]))
    if not port.isdecimal():
        raise AlertSettingsError(f"ALERT_SMTP_PORT: expected a number such as 587, but got {port!r}")
    recipients = tuple(word.strip() for word in given.get("ALERT_EMAIL_TO", "").split(",") if word.strip())
    if not recipients:
        raise AlertSettingsError("ALERT_EMAIL_TO: expected one or more addresses, for ALERT_SMTP_HOST is set")
    return Email(
        host=host,
        port=int(port),
        security=security,
        sender=given.get("ALERT_EMAIL_FROM", recipients[0]),
        recipients=recipients,
        user=given.get("ALERT_SMTP_USER"),
        password=given.get("ALERT_SMTP_PASSWORD"),
    )


def _escaped(text: str) -> str:
    """Text escaped for Slack, so that nothing in it becomes a link or a mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _line(text: str) -> str:
    """A text in one line, because a header has one."""
    return _printable(" ".join(text.split()))


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text.replace("\t", "    "))


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 2]} …"


def _kind(error: BaseException) -> str:
    """The kind of an error without its message, which may quote what was sent."""
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
        error = error.reason
    return type(error).__name__
