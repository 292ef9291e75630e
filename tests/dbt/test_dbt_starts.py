"""What dbt is spared changes nothing that anybody reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbt.adapters.events.types import SQLQuery
from dbt.cli.main import dbtRunner
from dbt.compilation import Linker
from dbt.tracking import track_behavior_change_warn
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager_client import get_event_manager
from dbt_common.events.functions import fire_event
from dbt_common.events.logger import LoggerConfig
from dbt_common.events.types import Note

from tests.dbt.small_warehouse import DBT_DIRECTORY, parsed_project
from tests.dbt.test_dbt_contexts import _of_dbt
from warehouse.dbt_starts import Listener, graph_summary, make_starts_for_less, plugins


@pytest.fixture(autouse=True)
def manager() -> Iterator[Any]:
    """dbt's manager of events, which nobody listens to but dbt itself."""
    make_starts_for_less()
    manager = get_event_manager()
    before = manager.callbacks, manager.loggers
    manager.callbacks, manager.loggers = [track_behavior_change_warn], []
    yield manager
    manager.callbacks, manager.loggers = before


def test_the_summary_of_the_graph_is_dbts_own() -> None:
    linker = Linker()
    linker.link_graph(parsed_project())
    theirs = _of_dbt("dbt.compilation").Linker.get_graph_summary(linker, parsed_project())
    assert graph_summary(linker, parsed_project()) == theirs
    assert len(theirs) > 100


def test_the_plugins_are_those_that_dbt_finds() -> None:
    assert plugins() == _of_dbt("dbt.plugins.manager").PluginManager.get_prefixed_modules()


def test_a_listener_is_told_of_all_but_details(manager: Any) -> None:
    told: list[Any] = []
    manager.callbacks.append(Listener(told.append))
    fire_event(SQLQuery(conn_name="main", sql="select 1"))
    for level in EventLevel:
        fire_event(Note(msg=level.value), level=level)
    assert [event.info.msg for event in told] == ["info", "warn", "error"]


def test_a_statement_that_nobody_reads_is_not_even_made(manager: Any) -> None:
    manager.callbacks.append(Listener(print))
    # Of a type that its schema refuses.
    event = SQLQuery(conn_name=1, sql=2)
    manager.callbacks.append(lambda _: pytest.fail("it is told of something that was not made"))
    fire_event(event)


@pytest.mark.parametrize("is_logger", [False, True])
def test_whoever_reads_details_gets_them(
    manager: Any, is_logger: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    if is_logger:
        manager.add_logger(
            LoggerConfig(name="details", level=EventLevel.DEBUG, output_file_name=str(tmp_path / "details.log"))
        )
        monkeypatch.setattr(manager.loggers[0], "write_line", told.append)
    else:
        manager.callbacks.append(told.append)
    fire_event(SQLQuery(conn_name="main", sql="select 1"))
    assert [event.data.sql for event in told] == ["select 1"]


def test_dbts_own_log_has_every_detail_by_default(database: Path) -> None:
    folders = ["--project-dir", str(DBT_DIRECTORY), "--profiles-dir", str(DBT_DIRECTORY), "--log-path", f"{database}.d"]
    listed = dbtRunner(manifest=parsed_project()).invoke(
        ["ls", "--quiet", "--select", "dim_time", "--target-path", f"{database}.d", *folders]
    )
    assert listed.success
    assert "[debug]" in Path(f"{database}.d", "dbt.log").read_text()
