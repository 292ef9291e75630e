"""How every command of the platform ends: one table of exit codes."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit code of a command; `meaning` says it in words."""

    meaning: str

    DONE = 0, "done"
    FAILED = 1, "something failed"
    BAD_ARGUMENTS = 2, "bad arguments"
    NOT_THERE_YET = 3, "done, but something is not there yet (not loaded, not published, not built)"

    def __new__(cls, code: int, meaning: str) -> "ExitCode":
        """Make a member of a code and its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


def exit_code_table() -> str:
    """The table for help texts, a code a line."""
    return "\n".join(f"  {code.value}  {code.meaning}" for code in ExitCode)
