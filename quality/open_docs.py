"""Print where the data docs are, and open them where there is a browser: `python -m quality.open_docs`."""

import sys
import webbrowser

from quality.data_docs import docs_folder
from warehouse.exit_codes import ExitCode
from warehouse.terminal import quiet_on_broken_pipe


@quiet_on_broken_pipe
def main() -> int:
    """Open the data docs, and return 1 if there are none yet."""
    page = docs_folder() / "index.html"
    if not page.exists():
        print(f"{page}: expected data docs, but there are none. Run make quality first", file=sys.stderr)
        return ExitCode.FAILED
    print(page)
    webbrowser.open(page.as_uri())
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
