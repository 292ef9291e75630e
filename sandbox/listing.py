"""A publisher's listing of its files, as the object store that has them answers (S3's ListObjectsV2)."""

from collections.abc import Callable, Sequence
from datetime import UTC
from xml.sax.saxutils import escape

from sandbox.breakages import Breakages
from sandbox.stand_ins import FileStandIn, Query
from sandbox.store import Store

_LONGEST_PAGE = 1000


def listing(stand_in: FileStandIn, query: Query, store: Store, breakages: Breakages) -> bytes:
    """A page of the names asked for."""
    names = store.names(stand_in, query.get("prefix", [""])[0])
    return page_of_listing(stand_in, query, names, lambda name: _contents(stand_in, name, store, breakages))


def page_of_listing(stand_in: FileStandIn, query: Query, found: Sequence[str], contents: Callable[[str], str]) -> bytes:
    """A page of the names found, with what `contents` says of each. The last name is the token of the next page."""
    prefix, token = query.get("prefix", [""])[0], query.get("continuation-token", [""])[0]
    asked = query.get("max-keys", [""])[0]
    length = min(int(asked), _LONGEST_PAGE) if asked.isdecimal() else _LONGEST_PAGE
    names = [name for name in found if name > token]
    page, is_truncated = names[:length], len(names) > length
    parts = [
        f"<Name>{stand_in.path}</Name>",
        f"<Prefix>{escape(prefix)}</Prefix>",
        f"<KeyCount>{len(page)}</KeyCount>",
        f"<MaxKeys>{length}</MaxKeys>",
        f"<IsTruncated>{str(is_truncated).lower()}</IsTruncated>",
    ]
    if is_truncated and page:
        parts.append(f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>")
    parts += [contents(name) for name in page]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"{''.join(parts)}</ListBucketResult>"
    ).encode()


def _contents(stand_in: FileStandIn, name: str, store: Store, breakages: Breakages) -> str:
    partitions = store.partitions_in(stand_in, name)
    fault = breakages.seen_in_listing(partitions)
    file = store.find(partitions, fault)
    modified = file.last_modified.astimezone(UTC)
    return (
        f"<Contents><Key>{escape(name)}</Key><LastModified>{modified:%Y-%m-%dT%H:%M:%S}.000Z</LastModified>"
        f"<ETag>{escape(file.etag, {chr(34): '&quot;'})}</ETag><Size>{file.size}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )
