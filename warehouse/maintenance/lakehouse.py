"""What there is to maintain of the lakehouse: old states of its tables, and files that nobody needs."""

from datetime import UTC, datetime

from warehouse.maintenance.items import Found, nothing
from warehouse.releases.expiry import kept_releases


def lakehouse(dry_run: bool) -> Found:
    """Keep the states of as many releases as are kept, and delete the files that only older ones have.

    Raises:
        WarehouseError: the place or a table cannot be read or written, or a setting is not valid.
    """
    from warehouse.lakehouse.location import Location

    to = Location.of()
    if not to.is_s3 and not to.path.is_dir():
        return nothing("nothing was exported")
    if dry_run:
        return nothing("a dry run does not look at it")
    try:
        from warehouse.lakehouse.expiry import expire_tables
    except ModuleNotFoundError as error:
        if str(error.name).startswith("warehouse"):
            raise
        return nothing("the extra `lakehouse` is not installed")
    keep = kept_releases()
    freed = expire_tables(to, keep_releases=keep, now=datetime.now(UTC))
    return Found(f"{freed.files:,} files of states before the last {keep}", freed.bytes, is_nothing=not freed.files)
