"""Keep what Jinja compiles: dbt compiles each macro and each model's SQL again in every process, at 3 ms each.

What was compiled is bytecode. It lies beside what dbt itself keeps of the project, in one file for all target folders;
`dbt clean` removes it, and nobody misses it.
"""

import atexit
import hashlib
import marshal
import os
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import CodeType
from typing import Any

from dbt_common.clients import jinja
from dbt_common.clients.jinja import MacroFuzzEnvironment

from warehouse.paths import PROJECT_ROOT

_FILE = PROJECT_ROOT / "dbt" / "target" / "templates.marshal"
# Several times the templates of the project. What is over comes from models that are no more.
_MOST_TEMPLATES = 5_000

_compile = MacroFuzzEnvironment.compile

# By the key of its source.
_compiled: dict[bytes, CodeType] = {}
# As other processes left it, each marshalled, so that only what is used is read.
_kept: dict[bytes, bytes] = {}


def compile_once(environment: MacroFuzzEnvironment, source: Any, *arguments: Any, **options: Any) -> Any:
    """What `Environment.compile` returns, by itself only for a source that is new."""
    # For debugging, dbt gives each template a file of its own.
    if arguments or options or jinja.MACRO_DEBUGGING or not isinstance(source, str):
        return _compile(environment, source, *arguments, **options)
    # Native templates are compiled to other code.
    key = hashlib.blake2b(f"{type(environment).__name__}:{source}".encode(), digest_size=16).digest()
    if found := _compiled.get(key):
        return found
    kept = _kept.get(key)
    code = marshal.loads(kept) if kept else _compile(environment, source)
    assert isinstance(code, CodeType)
    _compiled[key] = code
    return code


def kept_templates(file: Path) -> dict[bytes, bytes]:
    """What `keep_templates` wrote; nothing if there is no such file, it is of other versions, or cannot be read."""
    with suppress(OSError, EOFError, ValueError, TypeError):
        found = marshal.loads(file.read_bytes())
        if isinstance(found, dict) and found.pop(b"", None) == _versions():
            return found
    return {}


def keep_templates(file: Path) -> None:
    """Write what this process compiled, if that is something new. Nothing happens where it cannot be written."""
    # A thread that goes on may compile more meanwhile.
    compiled = dict(_compiled)
    if compiled.keys() <= _kept.keys():
        return
    # Another process may have written since.
    all_of_them = {**_kept, **kept_templates(file)}
    if len(all_of_them) > _MOST_TEMPLATES:
        all_of_them.clear()
    all_of_them |= {key: marshal.dumps(code) for key, code in compiled.items() if key not in all_of_them}
    written = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(exist_ok=True)
        written.write_bytes(marshal.dumps({b"": _versions(), **all_of_them}))
        written.replace(file)
    except OSError:
        # A full disk has a part of it.
        with suppress(OSError):
            written.unlink()


def make_templates_for_less() -> None:
    """Have dbt in this process do so from now on."""
    environment: Any = MacroFuzzEnvironment
    if environment.compile is compile_once:
        return
    environment.compile = compile_once
    _kept.update(kept_templates(_FILE))
    atexit.register(keep_templates, _FILE)


def _versions() -> str:
    """Of what decides how a source is compiled."""
    return " ".join([sys.version, *(version(package) for package in ("jinja2", "dbt-common", "dbt-core"))])
