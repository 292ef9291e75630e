"""Where a publisher's files are, unless a setting says otherwise."""

from ingestion.feeds import Publisher


def base_address(publisher: Publisher, default: str) -> str:
    """The address that a publisher's files are below: the setting `sources.<publisher>.base_url` of dlt, or else this.

    Without a slash at its end.
    """
    # It takes half a second: only who asks for an address waits for it.
    import dlt

    return str(dlt.config.get(f"sources.{publisher}.base_url", str) or default).rstrip("/")
