"""Build a model twice on Spark in one process; the second build is killed with its Java, at a moment of the write.

python built_twice.py MODEL MOMENT SECONDS

MOMENT is `before` its rows are written, `while` they are written for so many seconds, or `after` that. It says `built`
after the first build, and goes on when it is told a line.
"""

import os
import signal
import sys
import threading

from dbt.cli.main import dbtRunner

from warehouse.spark import adapter

model, moment, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
execute = adapter._Cursor.execute


def _die() -> None:
    os.killpg(0, signal.SIGKILL)


def _be_killed(self: adapter._Cursor, sql: str, *parameters: object) -> None:
    is_write = "insert overwrite" in sql and model in sql
    if is_write and moment == "before":
        _die()
    if is_write and moment == "while":
        threading.Timer(seconds, _die).start()
    execute(self, sql, *parameters)
    if is_write and moment == "after":
        _die()


def _build() -> None:
    result = dbtRunner().invoke(["run", "--target", "spark", "--select", f"+{model}", "--quiet"])
    if not result.success:
        sys.exit(f"expected a build that succeeds, but: {result.exception or result.result}")


_build()
sys.stdout.write("built\n")
sys.stdout.flush()
sys.stdin.readline()
adapter._Cursor.execute = _be_killed  # type: ignore[method-assign]
_build()
