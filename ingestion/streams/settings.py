"""Where the broker and the registry of schemas are, who asks, and how large a batch may be: from the environment."""

import os
from dataclasses import dataclass, field
from typing import Any

from ingestion.errors import SettingError

_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")

# What librdkafka calls each setting.
_CLIENT_SETTINGS = {
    "KAFKA_SECURITY_PROTOCOL": "security.protocol",
    "KAFKA_SASL_MECHANISM": "sasl.mechanism",
    "KAFKA_SASL_USERNAME": "sasl.username",
    "KAFKA_SASL_PASSWORD": "sasl.password",
    "KAFKA_SSL_CA_LOCATION": "ssl.ca.location",
    "KAFKA_SSL_CERTIFICATE_LOCATION": "ssl.certificate.location",
    "KAFKA_SSL_KEY_LOCATION": "ssl.key.location",
    "KAFKA_SSL_KEY_PASSWORD": "ssl.key.password",
}


@dataclass(frozen=True)
class KafkaSettings:
    """How to reach the broker. `security` has librdkafka's names, and passwords: it is never shown."""

    bootstrap_servers: str
    security: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls) -> "KafkaSettings":
        """The settings of the environment.

        Raises:
            SettingError: KAFKA_SECURITY_PROTOCOL is none of Kafka's.
        """
        given = {name: os.environ[name] for name in _CLIENT_SETTINGS if os.environ.get(name)}
        protocol = given.get("KAFKA_SECURITY_PROTOCOL", _PROTOCOLS[0]).upper()
        if protocol not in _PROTOCOLS:
            raise SettingError(
                f"expected KAFKA_SECURITY_PROTOCOL to be one of {', '.join(_PROTOCOLS)}, but got {protocol[:60]!a}"
            )
        return cls(
            os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or "localhost:9092",
            {_CLIENT_SETTINGS[name]: value for name, value in given.items()} | {"security.protocol": protocol},
        )

    def client(self) -> dict[str, Any]:
        """The settings of a client of librdkafka: consumer, producer or admin. With passwords: never log them."""
        return {"bootstrap.servers": self.bootstrap_servers, **self.security}


@dataclass(frozen=True)
class RegistrySettings:
    """Where the registry of schemas is, and who asks: a user and a password where it wants them."""

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls) -> "RegistrySettings":
        """The settings of the environment.

        Raises:
            SettingError: SCHEMA_REGISTRY_URL is not an address.
        """
        url = (os.environ.get("SCHEMA_REGISTRY_URL") or "http://localhost:8081").rstrip("/")
        if not url.startswith(("http://", "https://")):
            raise SettingError(
                f"expected SCHEMA_REGISTRY_URL to be an address such as http://localhost:8081, but got {url[:60]!a}"
            )
        user = os.environ.get("SCHEMA_REGISTRY_USER") or None
        return cls(url, user, os.environ.get("SCHEMA_REGISTRY_PASSWORD") or None)


@dataclass(frozen=True)
class BatchBounds:
    """What a batch may have at most: it is written when one of these is reached."""

    rows: int = 50_000
    bytes: int = 32_000_000
    seconds: float = 1.0

    @classmethod
    def from_environment(cls) -> "BatchBounds":
        """The bounds of the environment.

        Raises:
            SettingError: one is not a positive number.
        """
        return cls(
            int(_positive("STREAM_BATCH_ROWS", cls.rows)),
            int(_positive("STREAM_BATCH_MEGABYTES", cls.bytes / 1e6) * 1e6),
            _positive("STREAM_BATCH_SECONDS", cls.seconds),
        )


def _positive(name: str, default: float) -> float:
    text = os.environ.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0.001 <= number <= 1e9:
        raise SettingError(f"expected {name} to be a number above 0, but got {text[:60]!a}")
    return number
