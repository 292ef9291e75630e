"""Delivers an alert to Slack and by e-mail, as the environment says.

Errors never name the webhook's address or the password: they are secrets, and errors end up in logs.
"""

import http.client
import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal, Self, cast, get_args

# Dagster ends a tick after 60 seconds and forgets which alerts it sent. Five failed runs, two ways each, fit in.
_TIMEOUT_SECONDS = 5

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
    """A headline and a text."""

    headline: str
    body: str


@dataclass(frozen=True)
class Slack:
    """A Slack channel, by its incoming webhook."""

    webhook_url: str = field(repr=False)

    def deliver(self, alert: Alert) -> None:
        """Post the alert.

        Raises:
            AlertNotDeliveredError: Slack could not be reached, or refused it.
        """
        reason = self._post(f"*{_escaped(alert.headline)}*\n{_escaped(alert.body)}")
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
            return f"expected the webhook to take the alert, but it answered {error.code} {error.reason}"
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
        message = EmailMessage()
        message["Subject"] = f"[Dagster] {alert.headline}"
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        message.set_content(alert.body)
        reason = self._send(message)
        if reason:
            raise AlertNotDeliveredError(f"e-mail by {self.host}:{self.port}: {reason}. Check the ALERT_SMTP settings.")

    def _send(self, message: EmailMessage) -> str | None:
        """Send the message. Returns the reason if that failed."""
        try:
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

    def deliver(self, alert: Alert) -> None:
        """Deliver an alert to every recipient. If one way fails, the other is tried all the same.

        Raises:
            AlertNotDeliveredError: one way or both failed. The message names each.
        """
        ways: list[Callable[[Alert], None]] = [way.deliver for way in (self.slack, self.email) if way]
        failures = []
        for deliver in ways:
            try:
                deliver(alert)
            except AlertNotDeliveredError as error:
                failures.append(str(error))
        if failures:
            raise AlertNotDeliveredError(" ".join([f"{alert.headline}: could not be told.", *failures]))


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


def _kind(error: BaseException) -> str:
    """The kind of an error without its message, which may quote what was sent."""
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
        error = error.reason
    return type(error).__name__
