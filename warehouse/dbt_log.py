"""Write dbt's log for less. It has every statement and step, which cost a quarter of a build with nothing to do.

- dbt reads all variables for secrets, for each line.
- It makes each line for the terminal as well, which does not show it.
- It checks each event against its schema value by value, and writes its time as text and reads it again.
"""

import logging
import os
import threading
from typing import Any

from dbt_common.events import event_manager, functions
from dbt_common.events.base_types import BaseEvent, EventLevel, get_global_metadata_vars
from dbt_common.events.logger import PRINT_EVENT_NAMES, _Logger
from dbt_common.exceptions import env_secrets
from dbt_common.invocation import get_invocation_id

_LEVELS = {
    "test": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
# What every secret's name begins with, as the system has it: to decode all names takes 30 times as long.
_OF_SECRETS = b"DBT_ENV_SECRET"

_make_event = BaseEvent.__init__
_write_line = _Logger.write_line


def secrets() -> list[str]:
    """What `env_secrets` returns."""
    return env_secrets() if _OF_SECRETS in b" ".join(os.environb) else []


def make_event(event: BaseEvent, *arguments: Any, **values: Any) -> None:
    """What `BaseEvent.__init__` does; by itself only for what the schema does not take as it is."""
    try:
        if arguments:
            raise TypeError
        event.pb_msg = getattr(event.PROTO_TYPES_MODULE, type(event).__name__)(**values)
    except (AttributeError, TypeError, ValueError):
        _make_event(event, *arguments, **values)


def message_of(event: BaseEvent, level: EventLevel | None = None) -> Any:
    """What `msg_from_base_event` returns."""
    kind = type(event)
    message = getattr(event.PROTO_TYPES_MODULE, f"{kind.__name__}Msg")()
    info = message.info
    info.level = (level or event.level_tag()).value
    info.msg = event.message()
    info.invocation_id = get_invocation_id()
    info.extra.update(get_global_metadata_vars())
    info.ts.GetCurrentTime()
    info.pid = os.getpid()
    info.thread = threading.current_thread().name
    info.code = event.code()
    info.name = kind.__name__
    message.data.CopyFrom(event.pb_msg)
    return message


def write_if_shown(logger: _Logger, message: Any) -> None:
    """What `_Logger.write_line` does."""
    level = logging.ERROR if message.info.name in PRINT_EVENT_NAMES else _LEVELS[message.info.level]
    if logger._python_logger is not None and logger._python_logger.isEnabledFor(level):
        _write_line(logger, message)


def write_log_for_less() -> None:
    """Have dbt in this process do so from now on."""
    functions.env_secrets = secrets  # type: ignore[attr-defined]
    event_manager.msg_from_base_event = message_of  # type: ignore[attr-defined]
    logger: Any = _Logger
    logger.write_line = write_if_shown
