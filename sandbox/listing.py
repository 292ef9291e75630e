"""Citi Bike's listing of its files, as the object store that has them answers (S3's ListObjectsV2)."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from xml.sax.saxutils import escape

from sandbox.faults import CONNECTION_FAULTS, Breakages
from sandbox.files import PUBLISHER_FOLDERS, months_of_name
from sandbox.store import Store

# TLC's files are behind a network that lists nothing.
LISTED_FOLDER = PUBLISHER_FOLDERS["citibike"]

_LONGEST_PAGE = 1000


def listing(folder: str, query: Mapping[str, Sequence[str]], store: Store, breakages: Breakages) -> bytes:
    """A page of the names asked for; the token of the next page is the last name of this one."""
    prefix, token = query.get("prefix", [""])[0], query.get("continuation-token", [""])[0]
    asked = query.get("max-keys", [""])[0]
    length = min(int(asked), _LONGEST_PAGE) if asked.isdecimal() else _LONGEST_PAGE
    names = [name for name in store.names(folder, prefix) if name > token]
    page, is_truncated = names[:length], len(names) > length
    said = [
        f"<Name>{folder}</Name>",
        f"<Prefix>{escape(prefix)}</Prefix>",
        f"<KeyCount>{len(page)}</KeyCount>",
        f"<MaxKeys>{length}</MaxKeys>",
        f"<IsTruncated>{str(is_truncated).lower()}</IsTruncated>",
    ]
    if is_truncated and page:
        said.append(f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>")
    said += [_contents(folder, name, store, breakages) for name in page]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"{''.join(said)}</ListBucketResult>"
    ).encode()


def _contents(folder: str, name: str, store: Store, breakages: Breakages) -> str:
    found = months_of_name(folder, name)
    fault = breakages.seen_in_listing((found[0], month) for month in found[1]) if found else None
    file = store.find(folder, name, fault if fault not in CONNECTION_FAULTS else None)
    assert file is not None, "the store has what it names"
    modified = file.last_modified.astimezone(UTC)
    return (
        f"<Contents><Key>{escape(name)}</Key><LastModified>{modified:%Y-%m-%dT%H:%M:%S}.000Z</LastModified>"
        f"<ETag>{escape(file.etag, {chr(34): '&quot;'})}</ETag><Size>{file.size}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )
