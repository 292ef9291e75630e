"""The sandbox's event files. Nobody serves them: a command writes them into a folder, as those who send events do."""

from sandbox.telemetry.command import Events

COMMANDS = (Events(),)

__all__ = ["COMMANDS"]
