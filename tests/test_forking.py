"""A command in a fork of an interpreter is as one in an interpreter of its own."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests import forking
from tests.forking import interpreter


def test_it_gets_arguments_variables_and_folder_and_says_its_own(tmp_path: Path) -> None:
    code = "import os, sys; print(sys.argv, os.getcwd(), dict(os.environ)); print('bad', file=sys.stderr); sys.exit(3)"
    done = interpreter().run(["-c", code, "x y"], {"A": "1"}, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, f"['-c', 'x y'] {tmp_path} {{'A': '1'}}\n", "bad\n")


def test_one_is_nothing_to_the_next() -> None:
    first = interpreter().run(["-c", "import os, sys; os.environ['LEFT'] = sys.left = 'here'; os.chdir('/')"])
    assert first.returncode == 0
    code = "import os, sys; print(os.environ.get('LEFT'), hasattr(sys, 'left'), os.getcwd() == '/')"
    assert interpreter().run(["-c", code]).stdout == "None False False\n"


def test_it_ends_as_an_interpreter_does() -> None:
    code = "import atexit; atexit.register(print, 'at the end'); 1 / 0"
    done = interpreter().run(["-c", code])
    assert (done.returncode, done.stdout) == (1, "at the end\n")
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_much_is_said_in_both_ways() -> None:
    code = "import sys; print('x' * 300_000, file=sys.stderr); print('y' * 300_000)"
    done = interpreter().run(["-c", code])
    assert (len(done.stdout), len(done.stderr)) == (300_001, 300_001)


def test_it_can_be_killed_and_waited_for() -> None:
    process = interpreter().start(["-c", "import time; print('ready', flush=True); time.sleep(600)"])
    assert process.stdout.readline() == "ready\n"
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.kill()
    assert process.wait() == process.poll() == -signal.SIGKILL
    process.terminate()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_what_it_took_is_known_once_it_has_ended() -> None:
    before = sum(forking.cpu_seconds)
    assert interpreter().run(["-c", "import time\nwhile time.process_time() < 0.5: pass"]).returncode == 0
    assert 0.4 < sum(forking.cpu_seconds) - before < 5


def test_imports_are_done_and_no_thread_runs_that_a_fork_would_lose() -> None:
    code = "import os, sys; print({'dlt', 'duckdb', 'cli.app'} <= set(sys.modules), len(os.listdir('/proc/self/task')))"
    assert interpreter().run(["-c", code]).stdout == "True 1\n"
