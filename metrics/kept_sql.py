"""SQL that MetricFlow has written, kept for the next process that asks the same.

To import MetricFlow and to have it read the declarations takes several times as long as most answers. The SQL depends
on the question, the declarations, MetricFlow and this package alone, so it is kept in dbt's target folder under a
checksum of them. Nothing is lost with a file: without it the SQL is written again.
"""

import hashlib
import json
import os
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path

from metrics.semantic_manifest import MANIFESTS_KEPT, Manifest, read_manifest
from warehouse.paths import dbt_target_folder

_FOLDER = "metric_sql"
# Of the questions that were new last, each a file of a few kilobytes.
_FILES_KEPT = 500


def kept_sql(question: str, manifest: Manifest, write: Callable[[], str]) -> str:
    """The SQL of a question about what a manifest declares: as it was kept, or else what `write` gives.

    The question is the text of all that is asked, the dialect too. Where nothing can be kept, it is written each time.
    """
    key = hashlib.sha256("\0".join((question, _declarations(manifest), _writers())).encode()).hexdigest()
    path = dbt_target_folder() / _FOLDER / f"{key}.sql"
    kept = _read(path)
    if kept is None:
        kept = write()
        _keep(path, kept)
    return kept


@lru_cache(maxsize=MANIFESTS_KEPT)
def _declarations(manifest: Manifest) -> str:
    return json.dumps(read_manifest(manifest))


@cache
def _writers() -> str:
    """The versions of all code that the SQL comes from."""
    own = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        own.update(source.read_bytes())
    return f"{version('dbt-metricflow')} {version('metricflow')} {own.hexdigest()}"


def _read(path: Path) -> str | None:
    """The SQL in a file; none if it is not as the checksum in its first line says, as after a power cut."""
    try:
        checksum, _, sql = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return sql if checksum == _checksum(sql) else None


def _keep(path: Path, sql: str) -> None:
    # Several processes and threads may write the same.
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        # Not its parents: where dbt has made no target folder, nothing is kept.
        path.parent.mkdir(exist_ok=True)
        new.write_text(f"{_checksum(sql)}\n{sql}", encoding="utf-8")
        new.replace(path)
        for old in sorted(path.parent.iterdir(), key=lambda file: file.stat().st_mtime)[:-_FILES_KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        # A read-only or a full disk: the answer is the same, and comes later.
        return


def _checksum(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()
