"""What there is to maintain of the lakehouse: old states of its tables, and files that nobody needs."""

from datetime import UTC, datetime

from warehouse.maintenance.items import Found, nothing
from warehouse.releases import Releases
from warehouse.releases.expiry import kept_releases


def lakehouse(dry_run: bool) -> Found:
    """Keep the states of as many releases as are kept, and delete the files that only older ones have.

    Raises:
        WarehouseError: the place or a table cannot be read or written, or a setting is not valid.
    """
    from warehouse.lakehouse.location import Location

    to = Location.of()
    layers = Location.of_layers()
    has_tables, has_layers = (each.is_s3 or each.path.is_dir() for each in (to, layers))
    if not has_tables and not has_layers:
        return nothing("nothing was exported")
    if dry_run:
        return nothing("a dry run does not look at it")
    try:
        from warehouse.lakehouse.expiry import expire_layers, expire_tables
        from warehouse.lakehouse.layers import tables_in_layers, wait_for_store
        from warehouse.lakehouse.orphans import Freed
    except ModuleNotFoundError as error:
        if str(error.name).startswith("warehouse"):
            raise
        return nothing("the extra `lakehouse` is not installed")
    keep = kept_releases()
    now = datetime.now(UTC)
    freed = expire_tables(to, keep_releases=keep, now=now) if has_tables else Freed()
    release = Releases().current()
    if has_layers and release and (tables := tables_in_layers(release, layers)):
        wait_for_store(layers)
        freed += expire_layers((each.folder for each in tables), keep_releases=keep, now=now)
    return Found(f"{freed.files:,} files of states before the last {keep}", freed.bytes, is_nothing=not freed.files)
