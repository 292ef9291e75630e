"""Keys of publishers that know who asks. They are in the environment alone: in no file, message or log."""

import os
import re
from dataclasses import dataclass, field

from ingestion.errors import SettingError

# What may stand in a header. An error about another key would show it.
_KEY = re.compile(r"[\x21-\x7e]{1,256}")


@dataclass(frozen=True)
class KeyNames:
    """The environment variables that hold the keys."""

    access: str
    secret: str

    def __str__(self) -> str:
        return f"{self.access} and {self.secret}"


@dataclass(frozen=True)
class Keys:
    """A pair of keys. Neither is ever shown."""

    access: str = field(repr=False)
    secret: str = field(repr=False)


def keys_from_environment(names: KeyNames, address: str) -> Keys:
    """The keys for what is at an address.

    Raises:
        SettingError: a variable is not set, or holds something that cannot be a key.
    """
    found = {name: os.environ.get(name, "") for name in (names.access, names.secret)}
    for name, value in found.items():
        if not _KEY.fullmatch(value):
            came = "holds blanks or other characters that no key has" if value else "is not set"
            raise SettingError(
                f"{address}: expected keys in {names}, but {name} {came}. Set both in the environment or in .env."
            )
    return Keys(*found.values())
