#!/usr/bin/env python
"""Run a command with secrets from files: `with-secrets COMMAND …`.

A variable `NAME_FILE` whose value is a path below /run/secrets becomes `NAME`, with the file's content, without the
line end. So a secret is in no image, compose file or `docker inspect`, and in no argument that `ps` would show. Other
variables whose names end with _FILE stay as they are: `SSL_CERT_FILE` is the path of a file for whoever reads it.

Exit status: that of the command; 1 a secret cannot be had; 127 there is no such command.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

SECRETS = Path("/run/secrets")
_SUFFIX = "_FILE"


class SecretError(Exception):
    """A secret is not as expected. The message says which, and what to do, and never its content."""


def with_secrets(environment: Mapping[str, str], folder: Path = SECRETS) -> dict[str, str]:
    """The environment, with each `NAME_FILE` that names a file in the folder of secrets replaced by `NAME`.

    Raises:
        SecretError: a file is missing, empty or not text, or both `NAME` and `NAME_FILE` are set.
    """
    result = dict(environment)
    for variable, value in environment.items():
        path = Path(os.path.normpath(value))
        if not variable.endswith(_SUFFIX) or not path.is_relative_to(folder):
            continue
        name = variable.removesuffix(_SUFFIX)
        if environment.get(name):
            raise SecretError(f"{name} and {variable} are both set, expected one of them: remove {name}")
        result[name] = _content(variable, path)
        del result[variable]
    return result


def _content(variable: str, path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise SecretError(
            f"{variable}: expected a secret in {path}, but it cannot be read: {error.strerror}. "
            "Make it with deploy/make_secrets.sh, and list it under the service's `secrets`"
        ) from None
    except UnicodeDecodeError:
        raise SecretError(f"{variable}: expected text in {path}, but it is not UTF-8") from None
    if not secret or "\0" in secret:
        what = "it has a NUL byte" if secret else "it is empty"
        raise SecretError(f"{variable}: expected a secret in {path}, but {what}. Write it anew, and start again")
    return secret


def main(command: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """Run the command in place of this process; returns only if that is not possible."""
    if not command:
        print("usage: with-secrets COMMAND [ARGUMENT …]", file=sys.stderr)
        return 127
    try:
        os.execvpe(command[0], list(command), with_secrets(environment))
    except SecretError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{command[0]}: expected a command that can be run, but: {error.strerror}", file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
