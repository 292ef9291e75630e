"""What dbt gives to Jinja is the same when it is made for less."""

from importlib.util import find_spec, module_from_spec
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.clients.jinja import MacroStack
from dbt.context.macros import MacroNamespaceBuilder
from dbt.include.global_project import PROJECT_NAME
from dbt_common.clients import agate_helper

from warehouse.dbt_contexts import build_namespace, build_type_tester, make_contexts_for_less


def _of_dbt(name: str) -> Any:
    """A module of dbt as dbt has it, whatever was replaced in the one that is loaded."""
    spec = find_spec(name)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Names that are in several packages, as a project's own macro that replaces one of dbt's.
PACKAGES = {
    "root": ("only_root", "of_all", "root_and_dbt"),
    "other": ("only_other", "of_all"),
    "adapter": ("of_all", "adapter_and_dbt"),
    PROJECT_NAME: ("of_all", "adapter_and_dbt", "root_and_dbt", "only_dbt"),
}
MACROS: Any = {
    package: {name: SimpleNamespace(name=name, package_name=package, unique_id=f"{package}.{name}") for name in names}
    for package, names in PACKAGES.items()
}


def _seen(value: Any) -> Any:
    """What a member of a namespace is: what a macro's caller knows, or that of each macro of a package."""
    return (
        {name: _seen(each) for name, each in value.items()} if isinstance(value, dict) else (type(value), vars(value))
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_each_name_is_the_same_macro(package: str) -> None:
    stack = MacroStack()  # type: ignore[no-untyped-call]
    context = {"this": "context"}
    arguments: Any = ("root", package, stack, ["adapter", PROJECT_NAME], SimpleNamespace())
    expected = _of_dbt("dbt.context.macros").MacroNamespaceBuilder(*arguments).build_namespace(MACROS, context)
    found = build_namespace(MacroNamespaceBuilder(*arguments), MACROS, context)
    assert {name: _seen(found[name]) for name in found} == {name: _seen(expected[name]) for name in expected}
    assert len(found) == len(expected)
    assert dict(found).keys() == dict(expected).keys()
    for where in (None, "root", "other", PROJECT_NAME):
        for name in ("of_all", "only_other", "adapter_and_dbt", "none_of_this_name"):
            theirs, ours = (each.get_from_package(where, name) for each in (expected, found))
            assert (ours and _seen(ours)) == (theirs and _seen(theirs)), (where, name)


@pytest.mark.parametrize("null_values", [("null", ""), ()])
def test_values_are_read_as_the_same_types(null_values: tuple[str, ...]) -> None:
    rows = [("1", "1.5", "2025-01-02", "2025-01-02 03:04:05", "2025-01-02T03:04:05Z", "true", "null", "007", "")]
    columns = [f"column_{number}" for number in range(len(rows[0]))]
    testers = (_of_dbt("dbt_common.clients.agate_helper").build_type_tester, build_type_tester)
    expected, found = (tester(["column_7"], null_values).run(rows, columns) for tester in testers)
    assert [type(each).__name__ for each in found] == [type(each).__name__ for each in expected]
    assert [each.cast(value) for each, value in zip(found, rows[0], strict=True)] == [
        each.cast(value) for each, value in zip(expected, rows[0], strict=True)
    ]


def test_dbt_makes_them_so_once_its_plugin_is_loaded() -> None:
    import warehouse.dbt_plugin  # noqa: F401

    assert MacroNamespaceBuilder.build_namespace is build_namespace
    assert agate_helper.build_type_tester is build_type_tester


def test_doing_it_twice_changes_nothing() -> None:
    make_contexts_for_less()
    make_contexts_for_less()
    assert MacroNamespaceBuilder.build_namespace is build_namespace
