"""Comparisons of one dimension with values, and the conditions that say the same in MetricFlow's grammar."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from warehouse.sql import literal

Value = bool | int | float | str
Operator = Literal["is one of", "is not one of", "is at least", "is at most", "is missing", "is there"]
OPERATORS: tuple[Operator, ...] = get_args(Operator)

# Operators that compare with one value, and as SQL writes them.
_BOUNDS: dict[Operator, str] = {"is at least": ">=", "is at most": "<="}
WITHOUT_VALUES: tuple[Operator, ...] = ("is missing", "is there")

_TEXT = r"'(?:[^']|'')*'"
_FLAG = "true|false"
_NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_VALUE = re.compile(f"(?P<text>{_TEXT})|(?P<flag>{_FLAG})|(?P<number>{_NUMBER})", re.ASCII)
_NAME = r"(?P<name>\w+?__\w+)"
_LIST = f"(?P<values>(?:{_TEXT}|{_FLAG}|{_NUMBER})(?:, (?:{_TEXT}|{_FLAG}|{_NUMBER}))*)"
_FORMS: dict[Operator, str] = {
    "is one of": rf"{_NAME} in \({_LIST}\)",
    "is not one of": rf"{_NAME} not in \({_LIST}\) or (?P=name) is null",
    "is at least": rf"{_NAME} >= {_LIST}",
    "is at most": rf"{_NAME} <= {_LIST}",
    "is missing": rf"{_NAME} is null",
    "is there": rf"{_NAME} is not null",
}


@dataclass(frozen=True)
class Comparison:
    """A dimension compared with values. What has no value is none of any values, so "is not one of" keeps it."""

    dimension: str
    operator: Operator
    values: tuple[Value, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether it has the values that its operator needs."""
        return self.operator in WITHOUT_VALUES or (
            len(self.values) == 1 if self.operator in _BOUNDS else bool(self.values)
        )

    def as_condition(self) -> str:
        """The condition that says the same.

        Raises:
            ValueError: values are missing, or there are too many.
        """
        if not self.is_complete:
            raise ValueError(f"expected values for {self.dimension!r} {self.operator}, but got {self.values}")
        values = ", ".join(_written(value) for value in self.values)
        match self.operator:
            case "is one of":
                return f"{self.dimension} in ({values})"
            case "is not one of":
                return f"{self.dimension} not in ({values}) or {self.dimension} is null"
            case "is missing":
                return f"{self.dimension} is null"
            case "is there":
                return f"{self.dimension} is not null"
        return f"{self.dimension} {_BOUNDS[self.operator]} {values}"


def read_comparison(condition: str) -> Comparison | None:
    """The comparison that a condition is; nothing where it says more than one comparison can."""
    for operator, form in _FORMS.items():
        if found := re.fullmatch(form, condition, re.ASCII):
            values = _values(found.groupdict().get("values") or "")
            comparison = Comparison(found["name"], operator, tuple(values))
            return comparison if comparison.is_complete else None
    return None


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return literal(value) if isinstance(value, str) else repr(value)


def _values(text: str) -> Iterator[Value]:
    for found in _VALUE.finditer(text):
        if found["text"]:
            yield found["text"][1:-1].replace("''", "'")
        elif found["flag"]:
            yield found["flag"] == "true"
        else:
            yield float(found["number"]) if re.search(r"[.e]", found["number"]) else int(found["number"])
