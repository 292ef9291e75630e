"""The former name of `python -m sandbox`, which stays a command."""

import runpy

if __name__ == "__main__":
    runpy.run_module("sandbox", run_name="__main__")
