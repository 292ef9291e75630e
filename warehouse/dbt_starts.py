"""Spare dbt what nobody reads: each of its commands does it again, whatever it builds.

- It looks through all installed packages for plugins.
- It sums up its graph in a file for its developers, for which it writes out every node, columns and SQL included.
- It makes an event, checked against its schema twice, of each statement and step, also where no log has that level.
"""

from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from dbt.compilation import Linker
from dbt.contracts.graph.manifest import Manifest
from dbt.plugins.manager import PluginManager
from dbt.tracking import track_behavior_change_warn
from dbt_common.events.base_types import BaseEvent, DebugLevel, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.event_manager_client import get_event_manager

from warehouse.dbt_log import make_event, write_log_for_less
from warehouse.dbt_templates import make_templates_for_less

_DETAILS = (EventLevel.DEBUG, EventLevel.TEST)

_find_plugins = PluginManager.get_prefixed_modules
_fire_event = EventManager.fire_event


class Listener:
    """A callback for dbt's events but for those of level debug, which need not be made for it."""

    def __init__(self, listen: Callable[[Any], None]) -> None:
        self._listen = listen

    def __call__(self, event: Any) -> None:
        if event.info.level not in _DETAILS:
            self._listen(event)


def graph_summary(linker: Linker, manifest: Manifest) -> dict[int, dict[str, Any]]:
    """What `Linker.get_graph_summary` returns."""
    numbers = {name: number for number, name in enumerate(linker.graph)}
    summary: dict[int, dict[str, Any]] = {}
    for name, number in numbers.items():
        summary[number] = {"name": name, "type": manifest.expect(name).resource_type.value}
        if successors := [numbers[each] for each in linker.graph.successors(name)]:
            summary[number]["succ"] = successors
    return summary


@cache
def plugins() -> Mapping[str, ModuleType]:
    """What `PluginManager.get_prefixed_modules` returns, once a process."""
    found: Mapping[str, ModuleType] = _find_plugins()  # type: ignore[no-untyped-call]
    return found


def are_details_read() -> bool:
    """Whether anybody takes events of level debug."""
    manager = get_event_manager()
    return any(logger.level in _DETAILS for logger in manager.loggers) or any(
        callback is not track_behavior_change_warn and not isinstance(callback, Listener)
        for callback in manager.callbacks
    )


def _make_if_read(event: BaseEvent, *arguments: Any, **values: Any) -> None:
    if isinstance(event, DebugLevel) and not are_details_read():
        event.pb_msg = None
    else:
        make_event(event, *arguments, **values)


def _fire_if_read(
    manager: EventManager, e: BaseEvent, level: EventLevel | None = None, *arguments: Any, **options: Any
) -> None:
    is_detail = (level or e.level_tag()) in _DETAILS
    # Of what was not made, there is nothing to tell, even if somebody has begun to listen since.
    if e.pb_msg is not None and (not is_detail or are_details_read()):
        _fire_event(manager, e, level, *arguments, **options)


def make_starts_for_less() -> None:
    """Have dbt in this process do so from now on."""
    linker: Any = Linker
    linker.get_graph_summary = graph_summary
    manager: Any = PluginManager
    manager.get_prefixed_modules = plugins
    event: Any = BaseEvent
    event.__init__ = _make_if_read
    events: Any = EventManager
    events.fire_event = _fire_if_read
    write_log_for_less()
    make_templates_for_less()
