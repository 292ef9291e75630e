"""Text that wants to be code, and how it is noticed where it was."""

from urllib.parse import urlsplit

from tests.portal.browser.driving import Tab

SQL_AND_MARKUP = (
    "'\"; drop table core_core.fct_trips; -- ') or 1=1 {{ 7 * 7 }}"
    "<img src=/ran.png onerror=window.ran=1;alert(1)><script>window.ran=1;alert(1)</script>"
    "![x](/ran.png) [x](javascript:alert(1)) $x^2$ :red[x] </style></textarea><b id=ran>"
)
STRANGE = "\0\x1b\u202e👩‍👩‍👧🚕 ../../etc/passwd %00 " + "9" * 400 + ".5e999"
MEGABYTE = "<b id=ran>" + "x" * 1_000_000

_RAN = """() => window.ran
    ?? document.querySelector("#ran, img[src*=ran], [onerror], a[href^='javascript:'], main script")?.outerHTML"""


def assert_nothing_ran(tab: Tab) -> None:
    """Nothing of a text became code or an element, and the server failed at nothing."""
    assert tab.page.evaluate(_RAN) is None
    assert not any(urlsplit(url).path.endswith("ran.png") for url in tab.requested)
    assert tab.faults() == []
