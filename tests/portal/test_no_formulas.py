"""No page has a formula of its own: what it shows is a metric, a mart's, or what the command line says, too."""

import ast
from pathlib import Path

import pytest

import portal

_FOLDER = Path(portal.__file__).parent

# What only draws, and one that counts months: where something is on a screen, how large a file is in MB.
_DRAWING = {
    "charts.py",
    "general/gap_grid.py",
    "general/health.py",
    "mobility/map_figures.py",
    "mobility/selection.py",
}
_FORMULAS = (ast.Div, ast.Mult, ast.FloorDiv, ast.Pow)
_CALLS = {"mean", "median", "div", "mul", "divide", "multiply", "pct_change", "diff", "std", "var", "quantile", "rank"}
_OF_SQL = ("median(", "stddev", "quantile", " / ", " * ")


def formulas_of(source: str) -> list[str]:
    """What in a module is arithmetic on figures, as it is written."""
    found = []
    module = ast.parse(source)
    heights = {part for node in ast.walk(module) if _is_height(node) for part in ast.walk(node)}
    for node in set(ast.walk(module)) - heights:
        is_formula = isinstance(node, ast.BinOp) and isinstance(node.op, _FORMULAS) and not _is_of_texts(node)
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CALLS
        if is_formula or is_call:
            found.append(ast.unparse(node))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "select" in node.value:
            found += [line.strip() for line in node.value.splitlines() if any(each in line for each in _OF_SQL)]
    return found


def _is_of_texts(node: ast.BinOp) -> bool:
    """A text that is repeated, the path of a file, or a number written out."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    texts = {type(part.value) for part in ast.walk(node) if isinstance(part, ast.Constant)}
    is_of_numbers = not any(isinstance(part, ast.Name | ast.Attribute) for part in ast.walk(node))
    return str in texts or "LOG_FILE" in names or isinstance(node.left, ast.List) or is_of_numbers


def _is_height(node: ast.AST) -> bool:
    return isinstance(node, ast.keyword) and node.arg in ("height", "width")


@pytest.mark.parametrize(
    ("source", "is_one"),
    [
        ("100 * trips / all_trips", True),
        ("rows['fare'].mean()", True),
        ("'select 100 * a / b from t'", True),
        ("folder / 'x'", False),
        ("len(rows) - 3", False),
        ("style(figure, height=24 * len(rows))", False),
        ("'select sum(a) from t'", False),
    ],
)
def test_formulas_are_noticed(source: str, is_one: bool) -> None:
    assert bool(formulas_of(source)) == is_one


# Of a unit.
_OF_UNITS = {"release.size / _MEGABYTE"}


def test_pages_have_none() -> None:
    found = {
        name: formulas
        for path in _FOLDER.rglob("*.py")
        if (name := str(path.relative_to(_FOLDER))) not in _DRAWING
        and (formulas := [each for each in formulas_of(path.read_text()) if each not in _OF_UNITS])
    }
    assert found == {}
