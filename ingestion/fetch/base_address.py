"""Where a publisher's files are, unless a setting says otherwise."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestion.publishers import Publisher


def base_address(publisher: "Publisher") -> str:
    """The address that a publisher's files are below: the setting `sources.<name>.base_url` of dlt, or its default.

    Without a slash at its end.
    """
    # Imported here because dlt takes half a second to import.
    import dlt

    return str(dlt.config.get(f"sources.{publisher.name}.base_url", str) or publisher.default_base_url).rstrip("/")
