"""Run `nyc export`, and be killed by SIGKILL just before the n-th change to a folder. With 0, count them and print.

python -m tests.lakehouse.kill_at N FOLDER ARGUMENTS…
"""

import os
import signal
import sys

from warehouse.lakehouse.command import main

_CHANGES = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "shutil.copyfile", "shutil.rmtree"}

number, folder, seen = int(sys.argv[1]), sys.argv[2], 0


def _count(event: str, arguments: tuple[object, ...]) -> None:
    global seen
    is_written = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if not (event in _CHANGES or is_written) or not any(folder in str(each) for each in arguments):
        return
    seen += 1
    if seen == number:
        os.kill(os.getpid(), signal.SIGKILL)


sys.addaudithook(_count)
status = main(sys.argv[3:])
print(f"changes: {seen}")
sys.exit(status)
