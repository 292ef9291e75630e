"""Remove passwords and keys from addresses before they are stored, logged or shown."""

import re

# Names of query parameters that hold a secret: token=…, api_key=…, X-Amz-Signature=…, sig=….
_SECRET_NAME = r"[\w.~-]*(?:token|secret|passw|pwd|signature|credential|api[_-]?key|auth)[\w.~-]*|key|sig|pass"
_SECRET_PARAMETER = re.compile(rf"(?P<before>[?&;])(?:{_SECRET_NAME})=[^&;#\s'\"<>]*", re.IGNORECASE)
# User and password: everything before the host, up to the last @ before the path.
_USER = re.compile(r"(?<=://)[^/?#]*@")
# A password that contains a slash, question mark or hash: what looks like the port is not a number.
_USER_WITH_RESERVED = re.compile(r"(?<=://)[^/?#@\[]*:(?!\d*(?:[/?#]|$)).*@")
# A proxy may be written without http://.
_ADDRESS_OR_USER = re.compile(
    r"(?P<address>\b[a-z][a-z0-9+.-]*://[^\s'\"<>]*)|(?<!\w)[^\s:/@'\"<>()=]+:[^\s@'\"<>]+@(?=[\w\[])", re.IGNORECASE
)


def without_secrets(address: str) -> str:
    """The address without user, password and parameters such as `token=…`; the rest is unchanged.

    So two addresses that differ only in their secrets are the same file.
    """
    address = _USER.sub("", _USER_WITH_RESERVED.sub("", address))
    address = _SECRET_PARAMETER.sub(lambda found: "?" if found["before"] == "?" else "", address)
    return re.sub(r"\?(?:$|(?=#))", "", address.replace("?&", "?").replace("?;", "?"))


def scrubbed(text: str) -> str:
    """A text, such as a library's error message, without the secrets in its addresses."""
    text = _ADDRESS_OR_USER.sub(lambda found: without_secrets(found["address"] or ""), text)
    # Libraries also print addresses without a host: "Max retries exceeded with url: /data?token=…".
    return _SECRET_PARAMETER.sub(lambda found: f"{found['before']}…", text)
