"""The examples below the help of a command, from `examples.toml`: they name feeds, which code does not."""

import tomllib
from functools import cache
from pathlib import Path


@cache
def all_examples() -> dict[str, list[str]]:
    """The examples of each command, by its words without `nyc`; those of `nyc` itself are under `nyc`."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text())


def examples(command: str) -> str:
    """The examples of a command as text that the help shows line by line."""
    # \b keeps the line breaks.
    return "\n".join(["\b", "Examples:", *(f"  {example}" for example in all_examples()[command])])
