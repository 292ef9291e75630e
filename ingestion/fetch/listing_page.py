"""Reading one answer of a listing: S3's XML, which may come from anybody."""

import xml.parsers.expat
from dataclasses import dataclass, field


class NoListingError(Exception):
    """The publisher gives no listing, or none that can be read."""


@dataclass
class Page:
    """One answer: what is said of each file, by S3's names, and the token that asks for the next page.

    With `has_encoded_keys` the keys are written as in an address.
    """

    files: list[dict[str, str]] = field(default_factory=list)
    has_encoded_keys: bool = False
    is_truncated: bool = False
    next_token: str = ""


def parse_page(body: bytes) -> Page:
    """Read one answer.

    Raises:
        NoListingError: it is not a listing, or has a document type.
    """
    page, is_whole = Page(), False
    path: list[str] = []
    texts: list[str] = []
    said: dict[str, str] = {}

    def start(name: str, _attributes: dict[str, str]) -> None:
        path.append(name)
        texts.clear()

    def end(name: str) -> None:
        nonlocal is_whole
        match path:
            case ["ListBucketResult", "Contents"]:
                page.files.append(dict(said))
                said.clear()
            case ["ListBucketResult", "Contents", _]:
                said[name] = "".join(texts)
            case ["ListBucketResult", "EncodingType"]:
                page.has_encoded_keys = "".join(texts).strip() == "url"
            case ["ListBucketResult", "IsTruncated"]:
                page.is_truncated = "".join(texts).strip() == "true"
            case ["ListBucketResult", "NextContinuationToken"]:
                page.next_token = "".join(texts)
            case ["ListBucketResult"]:
                is_whole = True
        path.pop()
        texts.clear()

    def refuse(*_: object) -> None:
        raise NoListingError("a listing has no document type")

    parser = xml.parsers.expat.ParserCreate("UTF-8")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = texts.append
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except xml.parsers.expat.ExpatError as error:
        raise NoListingError(f"it is not XML ({error})") from error
    if not is_whole:
        raise NoListingError("it is not a ListBucketResult")
    return page
