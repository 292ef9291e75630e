"""The libraries of the extra `streams`, which may be absent."""

from importlib.util import find_spec

from ingestion.errors import SettingError


def require_extra() -> None:
    """See that the libraries for Kafka and Avro are there.

    Raises:
        SettingError: they are not installed.
    """
    missing = [name for name in ("confluent_kafka", "fastavro") if find_spec(name) is None]
    if missing:
        raise SettingError(f"streams need {' and '.join(missing)}. Install: poetry install --extras streams")
