"""Where things are exported to: a folder, or `s3://bucket/prefix`.

Keys, region and endpoint of S3 come from the environment alone, under the names that AWS's own tools read. So no
address holds a secret, and addresses can be stored and shown.
"""

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from warehouse.lakehouse.exported import ExportError
from warehouse.paths import PROJECT_ROOT

LAKEHOUSE_VARIABLE = "LAKEHOUSE_URL"
_DUCKDB_SUFFIX = ".duckdb"
_DEFAULT = "data/lakehouse"
LAYERS_VARIABLE = "LAYERS_URL"
_DEFAULT_LAYERS = "data/layers"
BACKUP_VARIABLE = "BACKUP_URL"
_DEFAULT_BACKUPS = "data/backups"
_S3 = "s3://"
_DEFAULT_REGION = "us-east-1"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# No letter that a reader takes for a pattern, or that must be quoted in an address.
_KEY_PART = re.compile(r"[A-Za-z0-9_.=-]+")


@dataclass(frozen=True)
class Location:
    """A folder, absolute, or an address of S3. Make one with `Location.of`, which checks it."""

    url: str

    @classmethod
    def of(cls, address: str | None = None) -> "Location":
        """The place that an address names, by default `LAKEHOUSE_URL`, which is `data/lakehouse` unless it is set.

        A relative folder is relative to the project root.

        Raises:
            ExportError: it is neither a folder nor an address of S3, or it holds a secret.
        """
        text = (address or os.environ.get(LAKEHOUSE_VARIABLE) or _DEFAULT).strip()
        if "://" not in text and not text.startswith("s3:"):
            return cls(os.path.normpath(PROJECT_ROOT / Path(text).expanduser()))
        return cls(_checked(text))

    @classmethod
    def of_layers(cls) -> "Location":
        """The place whose folders are the layers: what `LAYERS_URL` says, by default `data/layers`.

        `s3://` alone is S3 itself: its buckets are the layers.

        Raises:
            ExportError: it is neither a folder nor an address of S3, or it holds a secret.
        """
        address = os.environ.get(LAYERS_VARIABLE, "").strip() or _DEFAULT_LAYERS
        return cls(_S3) if address == _S3 else cls.of(address)

    @classmethod
    def of_backups(cls, address: str | None = None) -> "Location":
        """The place that an address names, by default `BACKUP_URL`, which is `data/backups` unless it is set.

        Raises:
            ExportError: it is neither a folder nor an address of S3, or it holds a secret.
        """
        return cls.of(address or os.environ.get(BACKUP_VARIABLE) or _DEFAULT_BACKUPS)

    @property
    def is_s3(self) -> bool:
        """Whether it is in S3. Otherwise it is a folder."""
        return self.url.startswith(_S3)

    @property
    def is_duckdb_file(self) -> bool:
        """Whether it names one DuckDB file, by how it ends. A bucket of such a name is none."""
        return self.url.endswith(_DUCKDB_SUFFIX) and (not self.is_s3 or bool(self.key))

    @property
    def path(self) -> Path:
        """The folder.

        Raises:
            ExportError: it is in S3.
        """
        if self.is_s3:
            raise ExportError(f"{self.url}: expected a folder, but this is an address of S3.")
        return Path(self.url)

    @property
    def bucket(self) -> str:
        """The bucket of S3; empty for a folder."""
        return self.url.removeprefix(_S3).partition("/")[0] if self.is_s3 else ""

    @property
    def endpoint(self) -> str | None:
        """The address of the server of S3; None for a folder, and where it is Amazon's own.

        Raises:
            ExportError: it is in S3, and the environment has no keys.
        """
        return _Settings.from_environment(self).endpoint if self.is_s3 else None

    @property
    def key(self) -> str:
        """What follows the bucket, without a slash at either end; empty for a folder."""
        return self.url.removeprefix(_S3).partition("/")[2] if self.is_s3 else ""

    def joined(self, *names: str) -> "Location":
        """A place below this one. A name may have several parts, such as the key of a partition, `green/2025-01`.

        Raises:
            ExportError: a name would lead elsewhere.
        """
        parts = [part for name in names for part in name.split("/")]
        for part in parts:
            if part in ("", ".", "..") or "\\" in part or "\0" in part:
                raise ExportError(f"{self.url}: expected names of folders or files below it, but got {names!r}.")
        # Of S3 itself, the first name is that of a bucket.
        return Location("/".join([self.url.removesuffix("/"), *parts]))

    def filesystem(self) -> Any:
        """The file system of fsspec that reads and writes here. It takes `url` as a path.

        Raises:
            ExportError: it is in S3, and the environment has no keys or the library s3fs is not installed.
        """
        if not self.is_s3:
            from fsspec.implementations.local import LocalFileSystem

            return LocalFileSystem(skip_instance_cache=True)
        settings = _Settings.from_environment(self)
        # A name is not looked up for a bucket of one's own server, which has no address for each bucket.
        addressing = {"s3": {"addressing_style": "path"}} if settings.endpoint else {}
        return _s3fs()(
            key=settings.key_id,
            secret=settings.secret,
            token=settings.token,
            endpoint_url=settings.endpoint,
            client_kwargs={"region_name": settings.region},
            session=_session(),
            config_kwargs=addressing,
            # What another process wrote must be seen.
            use_listings_cache=False,
            skip_instance_cache=True,
        )

    def delta_options(self) -> dict[str, str]:
        """The `storage_options` of deltalake; empty for a folder. They hold the secret: do not store or show them.

        Raises:
            ExportError: it is in S3, and the environment has no keys.
        """
        if not self.is_s3:
            return {}
        settings = _Settings.from_environment(self)
        options = {
            "AWS_ACCESS_KEY_ID": settings.key_id,
            "AWS_SECRET_ACCESS_KEY": settings.secret,
            "AWS_SESSION_TOKEN": settings.token,
            "AWS_REGION": settings.region,
            "AWS_ENDPOINT_URL": settings.endpoint,
            "AWS_ALLOW_HTTP": "true" if settings.is_plain_http else None,
            # Of two commits of the same number, S3 refuses the second.
            "AWS_CONDITIONAL_PUT": "etag",
        }
        return {name: value for name, value in options.items() if value}

    def iceberg_properties(self) -> dict[str, str]:
        """The properties of pyiceberg's FileIO; empty for a folder. They hold the secret: do not store or show them.

        Raises:
            ExportError: it is in S3, and the environment has no keys.
        """
        if not self.is_s3:
            return {}
        settings = _Settings.from_environment(self)
        properties = {
            "s3.access-key-id": settings.key_id,
            "s3.secret-access-key": settings.secret,
            "s3.session-token": settings.token,
            "s3.region": settings.region,
            "s3.endpoint": settings.endpoint,
        }
        return {name: value for name, value in properties.items() if value}


@dataclass(frozen=True)
class _Settings:
    """How S3 is reached, from the environment."""

    key_id: str
    secret: str
    token: str | None
    region: str
    endpoint: str | None

    @classmethod
    def from_environment(cls, location: Location) -> "_Settings":
        key_id, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
        if not (key_id and secret):
            raise ExportError(
                f"{location.url}: expected the keys of S3 in the environment, but there are none. "
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if they are temporary."
            )
        return cls(
            key_id=key_id,
            secret=secret,
            token=os.environ.get("AWS_SESSION_TOKEN") or None,
            region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _DEFAULT_REGION,
            endpoint=os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None,
        )

    @property
    def is_plain_http(self) -> bool:
        return (self.endpoint or "").lower().startswith("http://")


def _checked(text: str) -> str:
    """An address of S3 without a slash at its end.

    Raises:
        ExportError: it is none, or it holds a secret, which is not shown.
    """
    scheme, _, rest = text.partition("://")
    if not rest or set(rest) & set("@?#:"):
        raise ExportError(
            "expected an address such as s3://bucket/prefix, without a user, a secret or parameters in it. Leave them "
            "out (the address is not shown here), and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead."
        )
    bucket, *key = rest.rstrip("/").split("/")
    if scheme.lower() != "s3":
        raise ExportError(f"{text}: expected a folder or an address such as s3://bucket/prefix.")
    if not _BUCKET.fullmatch(bucket):
        raise ExportError(
            f"{text}: expected the name of a bucket after s3://, which has 3 to 63 small letters, digits, dots and "
            f"dashes, but got {bucket!r}."
        )
    for part in key:
        if not _KEY_PART.fullmatch(part) or part in (".", ".."):
            raise ExportError(
                f"{text}: expected a prefix of letters, digits and -_.=, but got {part!r} between two slashes."
            )
    return _S3 + "/".join([bucket, *key])


@cache
def _session() -> Any:
    """All clients of the process share one: it reads the descriptions of Amazon's services, for a tenth of a second."""
    from aiobotocore.session import AioSession  # type: ignore[import-untyped]

    return AioSession()


def _s3fs() -> Any:
    try:
        from s3fs import S3FileSystem
    except ModuleNotFoundError as error:
        raise ExportError(
            f"an address of S3 needs the library {error.name}, but it is not installed. "
            "Install the extra `lakehouse`: poetry install --extras lakehouse"
        ) from error
    return S3FileSystem
