"""Open pages of the portal without a browser."""

import re
from collections.abc import Mapping
from pathlib import Path

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

import portal

_APP = Path(portal.__file__).with_name("app.py")


def open_page(path: str, address: Mapping[str, str | list[str]] | None = None, *, timeout: float = 60) -> AppTest:
    """The page of a path, such as `releases`, as a browser opens it; `address` is what stands after the `?`.

    Change widgets, then call `run()` for the next drawing. `texts` gives what is written on the page.
    """
    test = AppTest.from_file(_APP, default_timeout=timeout)
    # AppTest has no way to open a page by its address. Streamlit knows a page by this hash of its path.
    test._page_hash = calc_hash(path)
    test.query_params.update(address or {})
    return test.run()


def lasting_texts(test: AppTest) -> str:
    """All that is written, but for how old the release is: that changes from one minute to the next."""
    return re.sub(r", published [^\n]*", "", texts(test))


def texts(test: AppTest) -> str:
    """All that is written on a page and in its sidebar, a block a line."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error", "success", "code")
    return "\n".join(str(getattr(element, "value", "")) for kind in kinds for element in test.get(kind))
