"""dbt's log says the same when it is written for less."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from dbt.adapters.events.types import SQLQuery, SQLQueryStatus
from dbt.events.types import LogStartLine
from dbt_common.events import event_manager, functions
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.event_manager_client import get_event_manager
from dbt_common.events.functions import env_scrubber
from dbt_common.events.logger import LineFormat, LoggerConfig
from dbt_common.events.types import Formatting, Note, PrintEvent
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]

from tests.dbt.test_dbt_contexts import _of_dbt
from warehouse.dbt_log import make_event, message_of, secrets, write_log_for_less

NODE = {
    "node_path": "marts/dim_time.sql",
    "unique_id": "model.nyc_mobility.dim_time",
    "node_started_at": "2025-01-02T03:04:05.678901",
    "meta": {"owner": "somebody"},
    "node_relation": {"database": "nyc_mobility", "schema": "core", "alias": "dim_time", "relation_name": ""},
}
EVENTS: list[tuple[type[BaseEvent], tuple[str, ...], dict[str, Any]]] = [
    (Note, (), {"msg": "told"}),
    # dbt makes a text of it, which its schema does not.
    (Note, (), {"msg": 3}),
    (Formatting, ("a line",), {}),
    (SQLQuery, (), {"conn_name": "main", "sql": "select 'ß'", "node_info": NODE}),
    # A number of seconds that is whole, and fields that are none or left out.
    (SQLQueryStatus, (), {"status": "OK", "elapsed": 2, "node_info": NODE}),
    (SQLQuery, (), {"conn_name": None, "sql": "select 1"}),
    (LogStartLine, (), {"description": "sql view model", "index": 1, "total": 309, "node_info": NODE}),
]


@pytest.fixture(autouse=True)
def _written_for_less() -> None:
    write_log_for_less()


def _made(make: Any, kind: type[BaseEvent], arguments: tuple[str, ...], values: dict[str, Any]) -> BaseEvent:
    event: BaseEvent = object.__new__(kind)
    make(event, *arguments, **values)
    return event


@pytest.mark.parametrize(("kind", "arguments", "values"), EVENTS)
@pytest.mark.parametrize("level", [None, EventLevel.WARN])
def test_an_event_is_dbts_own(
    kind: type[BaseEvent], arguments: tuple[str, ...], values: dict[str, Any], level: EventLevel | None
) -> None:
    of_dbt = _of_dbt("dbt_common.events.base_types")
    theirs = _made(of_dbt.BaseEvent.__init__, kind, arguments, dict(values))
    ours = _made(make_event, kind, arguments, dict(values))
    assert ours.pb_msg == theirs.pb_msg
    expected, found = of_dbt.msg_from_base_event(theirs, level=level), message_of(ours, level=level)
    # Microseconds, as dbt has it; the two are made one after the other.
    assert 0 <= found.info.ts.ToMicroseconds() - expected.info.ts.ToMicroseconds() < 60_000_000
    expected.info.ts.CopyFrom(found.info.ts)
    assert MessageToDict(found) == MessageToDict(expected)


def test_what_the_schema_refuses_is_refused_as_by_dbt() -> None:
    with pytest.raises(Exception, match="Unable to parse logging event dictionary"):
        _made(make_event, Note, (), {"no_such_field": 1})


def test_secrets_are_those_that_dbt_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert secrets() == []
    monkeypatch.setenv("DBT_ENV_SECRET_KEY", "known to nobody")
    monkeypatch.setenv("DBT_ENV_SECRET_EMPTY", "  ")
    assert secrets() == _of_dbt("dbt_common.exceptions.base").env_secrets() == ["known to nobody"]
    assert env_scrubber("it is known to nobody") == "it is *****"


@pytest.fixture
def manager() -> Iterator[EventManager]:
    """dbt's manager of events, with no log."""
    manager: Any = get_event_manager()
    before = manager.callbacks, manager.loggers
    manager.callbacks, manager.loggers = [], []
    yield manager
    manager.callbacks, manager.loggers = before


@pytest.mark.parametrize("format_", LineFormat)
@pytest.mark.parametrize("level", [EventLevel.DEBUG, EventLevel.INFO, EventLevel.ERROR])
def test_each_log_has_the_lines_of_its_level(
    manager: EventManager, level: EventLevel, format_: LineFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    config = LoggerConfig(
        name="of these tests", level=level, line_format=format_, output_stream=stream, scrubber=env_scrubber
    )
    manager.add_logger(config)
    monkeypatch.setenv("DBT_ENV_SECRET_KEY", "hidden")
    for of_event in EventLevel:
        manager.fire_event(Note(msg=f"<{of_event.value} hidden>"), level=of_event)
    # What a command prints is shown whatever the level.
    manager.fire_event(PrintEvent(msg="<printed>"))
    shown = {
        EventLevel.DEBUG: ["debug", "test", "info", "warn", "error"],
        EventLevel.INFO: ["info", "warn", "error"],
        EventLevel.ERROR: ["error"],
    }
    lines = stream.getvalue().splitlines()
    assert [line.partition("<")[2].partition(">")[0] for line in lines] == [
        *(f"{each} *****" for each in shown[level]),
        "printed",
    ]


def test_dbt_writes_it_so_once_its_plugin_is_loaded() -> None:
    import warehouse.dbt_plugin  # noqa: F401

    assert event_manager.msg_from_base_event is message_of  # type: ignore[attr-defined]
    assert functions.env_secrets is secrets  # type: ignore[attr-defined]
