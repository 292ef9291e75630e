"""Keys of an object store, and requests that are signed with them.

The signature is AWS's version 4, by botocore. Everything else about a request stays that of our own sessions: they are
watched, resumed and cancelled as for any other publisher.
"""

import os
import re
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.auth import AuthBase

from ingestion.errors import RefusedError

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
        RefusedError: a variable is not set, or holds something that cannot be a key.
    """
    found = {name: os.environ.get(name, "") for name in (names.access, names.secret)}
    for name, value in found.items():
        if not _KEY.fullmatch(value):
            came = "holds blanks or other characters that no key has" if value else "is not set"
            raise RefusedError(
                f"{address}: expected keys in {names}, but {name} {came}. Set both in the environment or in .env."
            )
    return Keys(*found.values())


class Signer(AuthBase):
    """Signs each request of a session, for S3 in a region."""

    def __init__(self, keys: Keys, region: str) -> None:
        # Imported here because botocore takes 0.3 s to import.
        from botocore.auth import S3SigV4Auth
        from botocore.credentials import Credentials

        self._auth: Any = S3SigV4Auth(Credentials(keys.access, keys.secret), "s3", region)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        from botocore.awsrequest import AWSRequest

        signed = AWSRequest(method=request.method, url=request.url)
        self._auth.add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        return request
