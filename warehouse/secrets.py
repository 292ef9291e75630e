"""Taking passwords and keys out of addresses, before one is kept, logged or shown."""

import re

# Names of query parameters that hold a secret: token=…, api_key=…, X-Amz-Signature=…, sig=….
_SECRET_NAME = r"[\w.~-]*(?:token|secret|passw|pwd|signature|credential|api[_-]?key|auth)[\w.~-]*|key|sig|pass"
_SECRET_PARAMETER = re.compile(rf"(?P<before>[?&;])(?:{_SECRET_NAME})=[^&;#\s'\"<>]*", re.IGNORECASE)
# What stands before the host, up to the last @ before the path.
_USER = re.compile(r"(?<=://)[^/?#]*@")
# A password with a slash, question mark or hash in it, so that the address has no valid port.
_USER_WITH_RESERVED = re.compile(r"(?<=://)[^/?#@\[]*:(?!\d*(?:[/?#]|$)).*@")
# A proxy may be set without http:// before it.
_ADDRESS_OR_USER = re.compile(
    r"(?P<address>\b[a-z][a-z0-9+.-]*://[^\s'\"<>]*)|(?<!\w)[^\s:/@'\"<>()=]+:[^\s@'\"<>]+@(?=[\w\[])", re.IGNORECASE
)


def without_secrets(address: str) -> str:
    """The address without user, password and parameters such as `token=…`; all else stays as it is.

    Two addresses that differ in their secrets alone become one, so that a file is the same whoever asks for it.
    """
    address = _USER.sub("", _USER_WITH_RESERVED.sub("", address))
    address = _SECRET_PARAMETER.sub(lambda found: "?" if found["before"] == "?" else "", address)
    return re.sub(r"\?(?:$|(?=#))", "", address.replace("?&", "?").replace("?;", "?"))


def scrubbed(text: str) -> str:
    """A text, such as a library's error, with every address in it without its secrets."""
    text = _ADDRESS_OR_USER.sub(lambda found: without_secrets(found["address"] or ""), text)
    # Libraries name addresses without their hosts, too: "Max retries exceeded with url: /data?token=…".
    return _SECRET_PARAMETER.sub(lambda found: f"{found['before']}…", text)
