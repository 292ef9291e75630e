"""What Jinja has compiled is used again, and renders the same."""

import marshal
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from dbt.clients.jinja import get_rendered
from dbt_common.clients import jinja
from dbt_common.clients.jinja import MacroFuzzEnvironment
from dbt_common.exceptions import CompilationError

from warehouse import dbt_templates
from warehouse.dbt_templates import keep_templates, kept_templates, make_templates_for_less

SOURCE = "select {% for each in columns %}{{ each }}, {% endfor %}{{ '1' if is_native else number + 1 }}"
VALUES: dict[str, Any] = {"columns": ["a", "b"], "number": 1, "is_native": False}


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources that Jinja compiles, of a process that has compiled nothing."""
    make_templates_for_less()
    sources: list[str] = []
    own = dbt_templates._compile

    def compile_(environment: Any, source: Any, *arguments: Any, **options: Any) -> Any:
        sources.append(source)
        return own(environment, source, *arguments, **options)

    monkeypatch.setattr(dbt_templates, "_compile", compile_)
    monkeypatch.setattr(dbt_templates, "_compiled", {})
    monkeypatch.setattr(dbt_templates, "_kept", {})
    return sources


def _in_a_new_process(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbt_templates, "_compiled", {})
    monkeypatch.setattr(dbt_templates, "_kept", kept_templates(file))


def test_a_source_is_compiled_once(compiled: list[str]) -> None:
    assert [get_rendered(SOURCE, {**VALUES, "number": number}) for number in (1, 2)] == [
        "select a, b, 2",
        "select a, b, 3",
    ]
    assert compiled == [SOURCE]


def test_native_templates_are_others(compiled: list[str]) -> None:
    for _ in range(2):
        assert get_rendered("{{ [1, 2] | as_native }}", {}, native=True) == [1, 2]
        assert get_rendered("{{ [1, 2] | as_native }}", {}) == "[1, 2]"
    assert len(compiled) == 2


def test_another_process_compiles_only_what_is_new(
    compiled: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "target" / "templates.marshal"
    get_rendered(SOURCE, VALUES)
    keep_templates(file)
    _in_a_new_process(file, monkeypatch)
    compiled.clear()
    assert get_rendered(SOURCE, VALUES) == "select a, b, 2"
    assert get_rendered("{{ number }}", VALUES) == "1"
    assert compiled == ["{{ number }}"]
    keep_templates(file)
    assert len(kept_templates(file)) == 2
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_two_processes_keep_what_either_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "templates.marshal"
    for source in ("{{ 1 }}", "{{ 2 }}"):
        _in_a_new_process(tmp_path / "nowhere", monkeypatch)
        get_rendered(source, {})
        keep_templates(file)
    assert len(kept_templates(file)) == 2


def test_nothing_is_written_where_nothing_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "templates.marshal"
    get_rendered(SOURCE, VALUES)
    keep_templates(file)
    _in_a_new_process(file, monkeypatch)
    file.unlink()
    get_rendered(SOURCE, VALUES)
    keep_templates(file)
    assert not file.exists()


def test_of_too_many_those_of_this_process_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "templates.marshal"
    monkeypatch.setattr(dbt_templates, "_MOST_TEMPLATES", 2)
    for numbers in ((1, 2, 3), (3, 4)):
        _in_a_new_process(file, monkeypatch)
        for number in numbers:
            get_rendered(f"{{{{ {number} }}}}", {})
        keep_templates(file)
    assert len(kept_templates(file)) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no such thing",
        marshal.dumps({b"": sys.version, b"key": b"of other versions"}),
        marshal.dumps(["no", "templates"]),
        marshal.dumps({b"": dbt_templates._versions(), b"key": b"cut off"})[:-9],
    ],
)
def test_a_file_that_cannot_be_used_is_replaced(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "templates.marshal"
    file.write_bytes(content)
    assert kept_templates(file) == {}
    get_rendered(SOURCE, VALUES)
    keep_templates(file)
    assert len(kept_templates(file)) == 1


def test_where_nothing_can_be_written_dbt_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    get_rendered(SOURCE, VALUES)
    keep_templates(tmp_path / "file" / "templates.marshal")


def test_errors_name_the_line_of_the_source() -> None:
    for _ in range(2):
        with pytest.raises(CompilationError, match="line 2"):
            get_rendered("select\n{% if %}", {})
        with pytest.raises(CompilationError, match="by zero") as caught:
            get_rendered("select\n\n{{ 1 // none_at_all }}", {"none_at_all": 0})
        assert caught.value.__cause__
        assert traceback.extract_tb(caught.value.__cause__.__traceback__)[-1].lineno == 3


def test_templates_to_be_debugged_have_a_file_each(compiled: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jinja, "MACRO_DEBUGGING", True)
    for _ in range(2):
        get_rendered(SOURCE, VALUES)
    assert compiled == [SOURCE, SOURCE]


def test_dbt_does_so_once_its_plugin_is_loaded() -> None:
    import warehouse.dbt_plugin  # noqa: F401

    assert MacroFuzzEnvironment.compile is dbt_templates.compile_once
