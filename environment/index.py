"""uv does not read pip's settings. Here they are in uv's words."""

import ast
import os
from collections.abc import Callable, Mapping


class NotUvsError(Exception):
    """pip has a setting that uv would not honour: its name. The value may be a password."""


def _same(name: str) -> Callable[[str], dict[str, str]]:
    return lambda value: {name: value}


def _words(name: str, between: str = " ") -> Callable[[str], dict[str, str]]:
    """Several values: pip takes any white space between them."""
    return lambda value: {name: between.join(value.split())}


def _certificates(value: str) -> dict[str, str]:
    return {"SSL_CERT_DIR" if os.path.isdir(value) else "SSL_CERT_FILE": value}  # noqa: PTH112


def _switch(name: str) -> Callable[[str], dict[str, str]]:
    return lambda value: {name: "1"} if value.strip().lower() in {"1", "true", "yes", "on", "y", "t"} else {}


def _keyring(value: str) -> dict[str, str]:
    if value not in {"auto", "disabled", "subprocess"}:
        raise NotUvsError("keyring-provider")
    return {"UV_KEYRING_PROVIDER": "subprocess"} if value == "subprocess" else {}


_IN_UVS_WORDS: Mapping[str, Callable[[str], dict[str, str]]] = {
    "cert": _certificates,
    "client-cert": _same("SSL_CLIENT_CERT"),
    "default-timeout": _same("UV_HTTP_TIMEOUT"),
    "extra-index-url": _words("UV_EXTRA_INDEX_URL"),
    "find-links": _words("UV_FIND_LINKS", ","),
    "index-url": _same("UV_INDEX_URL"),
    "keyring-provider": _keyring,
    "no-index": _switch("UV_NO_INDEX"),
    "proxy": lambda value: {"HTTP_PROXY": value, "HTTPS_PROXY": value, "ALL_PROXY": value},
    "retries": _same("UV_HTTP_RETRIES"),
    "timeout": _same("UV_HTTP_TIMEOUT"),
    "trusted-host": _words("UV_INSECURE_HOST"),
}

# What changes nothing of what is installed, where each file is fixed by its hash.
_MEANS_NOTHING = {
    "break-system-packages", "cache-dir", "compile", "config-file", "constraint", "debug", "disable-pip-version-check",
    "exists-action", "log", "no-cache-dir", "no-color", "no-compile", "no-input", "no-python-version-warning",
    "no-warn-script-location", "pre", "prefer-binary", "progress-bar", "quiet", "require-virtualenv",
    "root-user-action", "verbose",
}  # fmt: skip

# In pip, what comes later counts.
_SECTIONS = ("global", "install", ":env:")


def uv_settings(pip_config: str) -> dict[str, str]:
    """The environment that has uv ask where pip would ask.

    Takes what `pip config list` writes. Raises NotUvsError if it has a setting that is not known here.
    """
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in pip_config.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in found:
            found[section][name] = str(ast.literal_eval(value))
    pip_settings = {name: value for section in _SECTIONS for name, value in found[section].items()}
    settings: dict[str, str] = {}
    for name, value in pip_settings.items():
        if name in _IN_UVS_WORDS:
            settings |= _IN_UVS_WORDS[name](value)
        elif name not in _MEANS_NOTHING:
            raise NotUvsError(name)
    return settings
