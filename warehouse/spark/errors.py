"""What Spark says of a statement that failed, without Java's stack and the query's plan, which are pages."""

import re
from pathlib import Path

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException

# What a call of Spark raises: of the statement; of Java; of the connection to a Java that has ended.
SPARK_ERRORS = (PySparkException, Py4JError, OSError)

_STACK = re.compile(r"^\s*(at |JVM stacktrace|Driver stacktrace|Caused by:|\.\.\. \d+ more)")
_MOST_LINES = 12
_OF_EVERY_START = re.compile(r"\b(WARN|INFO|WARNING)\b|log4j|^(Setting|To adjust) ")


def in_words(error: BaseException, log: Path) -> str:
    """The first lines of Spark's message: what is wrong, and the line of SQL that it marks.

    `log` is where Java says why it ended, if it has.
    """
    if not isinstance(error, PySparkException | Py4JJavaError):
        return f"expected Spark to answer, but its Java has ended: {last_said(log)}. All that it said is in {log}."
    text = str(error).strip()
    if isinstance(error, Py4JJavaError):
        # After the call, which says nothing.
        text = text.partition("\n: ")[2] or text
    kept: list[str] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if _STACK.match(line):
            break
        if line.startswith("== SQL"):
            marked = next((at for at in range(number + 1, len(lines)) if "^^^" in lines[at]), None)
            kept += lines[marked - 1 : marked + 1] if marked else []
            break
        kept.append(line)
        if "SQLSTATE" in line and not any(later.startswith("== SQL") for later in lines[number:]):
            # What follows is the plan.
            break
    return "\n".join(line for line in kept[:_MOST_LINES] if line.strip())


def last_said(log: Path) -> str:
    """The last that a log of Java has, but for warnings and stacks."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    told = [line.strip() for line in lines if not _STACK.match(line) and not _OF_EVERY_START.search(line)]
    return " ".join(told[-3:])[:500] or "without a word"
