"""Requests to an object store, signed with its keys.

The signature is AWS's version 4, by botocore. Everything else about a request stays that of our own sessions: they are
watched, resumed and cancelled as for any other publisher.
"""

from typing import Any

import requests
from requests.auth import AuthBase

from ingestion.fetch.keys import Keys


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
