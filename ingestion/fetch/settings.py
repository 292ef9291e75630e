"""Settings of publishers that are addresses."""


def address_setting(publisher: str, setting: str, default: str) -> str:
    """The setting `sources.<publisher>.<setting>`, or its default, without a slash at its end."""
    # Imported here because dlt takes half a second to import.
    import dlt

    return str(dlt.config.get(f"sources.{publisher}.{setting}", str) or default).rstrip("/")
