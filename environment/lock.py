"""Poetry's lock as requirements, so that they can be read without installing Poetry."""

import re
from collections.abc import Collection, Mapping
from typing import Any

LOCK_VERSION = "2.1"

# What pip and uv read as true and as false.
_TRUE, _FALSE = 'python_version >= "3"', 'python_version < "3"'
_EXTRA = re.compile(r'extra == "([^"]+)"')


class LockError(Exception):
    """The lock is of a form that this module does not know."""


def requirements(lock: Mapping[str, Any], extras: Collection[str], groups: Collection[str]) -> str:
    """The lines of a requirements file: each locked package of these groups, by version and hashes.

    Extras are answered here; what depends on the machine stays a marker, for the installer to answer. An extra has all
    that it needs in the lock, so the installer must not look for dependencies.

    Raises LockError if the lock has another version, an extra is not in it, or a package is not from an index.
    """
    version = lock["metadata"]["lock-version"]
    if version != LOCK_VERSION:
        raise LockError(f"poetry.lock: expected lock-version {LOCK_VERSION}, got {version}. Change environment/lock.py")
    if unknown := sorted(set(extras) - set(lock.get("extras", {}))):
        raise LockError(f"poetry.lock: expected the extra {', '.join(unknown)}, but it is not there. Run: poetry lock")
    return "".join(_lines(package, extras, groups) for package in lock["package"])


def _lines(package: Mapping[str, Any], extras: Collection[str], groups: Collection[str]) -> str:
    wanted = [group for group in package["groups"] if group in groups]
    if not wanted:
        return ""
    name, version = package["name"], package["version"]
    if package.get("source", {}).get("type", "legacy") != "legacy":
        raise LockError(f"poetry.lock: expected {name} from an index, got {package['source']}")
    marker = _any_of([_marker(package.get("markers"), group, extras) for group in wanted])
    hashes = "".join(f" \\\n    --hash={file['hash']}" for file in package["files"])
    return f"{name}=={version}{f' ; {marker}' if marker else ''}{hashes}\n"


def _marker(markers: str | Mapping[str, str] | None, group: str, extras: Collection[str]) -> str:
    """When this group needs the package; nothing for always. Markers are one for all groups, or by group."""
    if markers is None:
        return ""
    marker = markers if isinstance(markers, str) else markers.get(group, "")
    return _EXTRA.sub(lambda extra: _TRUE if extra[1] in extras else _FALSE, marker)


def _any_of(markers: list[str]) -> str:
    if not all(markers):
        return ""
    return markers[0] if len(markers) == 1 else " or ".join(f"({marker})" for marker in markers)
