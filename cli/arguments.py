"""Options of `nyc` as the arguments of the command that does the work."""

from collections.abc import Mapping, Sequence

Value = str | bool | Sequence[str] | None


def as_arguments(options: Mapping[str, Value]) -> list[str]:
    """Options and their values as arguments; those that were not given are left out.

    A value is joined to its option with `=`, so that it may begin with a dash, such as `--order=-avg_fare`.
    """
    arguments: list[str] = []
    for option, value in options.items():
        if value is True:
            arguments.append(option)
        elif isinstance(value, str):
            arguments.append(f"{option}={value}")
        elif value:
            arguments.extend(f"{option}={each}" for each in value)
    return arguments
