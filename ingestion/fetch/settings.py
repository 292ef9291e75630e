"""Settings of publishers: `sources.<publisher>.<name>`, which is SOURCES__<PUBLISHER>__<NAME> in the environment."""


def setting(publisher: str, name: str, default: str = "") -> str:
    """A setting, or its default where it is not set."""
    # Imported here because dlt takes half a second to import.
    import dlt

    return str(dlt.config.get(f"sources.{publisher}.{name}", str) or default)


def address_setting(publisher: str, name: str, default: str) -> str:
    """A setting that is an address, without a slash at its end."""
    return setting(publisher, name, default).rstrip("/")
