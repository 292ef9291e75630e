"""What a person writes into the address is among the options, or ignored."""

import pytest

from tests.portal.browsing import lasting_texts, open_page
from tests.portal.conftest import Sample

HOSTILE = [
    "'",
    '"; drop table core_core.fct_trips; --',
    "yellow_taxi') or 1=1 --",
    "2025-02' union select 1 --",
    "<script>alert(1)</script>",
    "**bold** [link](javascript:alert(1)) $x$ :red[x]",
    "{{ Dimension('trip__trip_type') }}",
    "../../etc/passwd",
    "2025-13",
    "\x00",
    "ünïcödé 🚕",
    "x" * 1_000_000,
]


@pytest.mark.parametrize("path", ["demand", "weather"])
def test_what_is_no_option_is_ignored(sample: Sample, path: str) -> None:
    plain = open_page(path)
    for text in HOSTILE:
        page = open_page(path, {"from": text, "to": text, "types": [text, text], "days": text, text: text})

        assert not page.exception
        assert not page.error
        assert lasting_texts(page) == lasting_texts(plain)
        assert [one.value for one in page.metric] == [one.value for one in plain.metric]


def test_an_option_beside_nonsense_is_taken(sample: Sample) -> None:
    page = open_page("demand", {"types": ["Citi Bike", "' or 1=1"], "from": "2025-03"})

    assert not page.exception
    assert page.metric[1].value == "not published"


def test_months_in_the_wrong_order_are_exchanged(sample: Sample) -> None:
    right = open_page("demand", {"from": "2025-02", "to": "2025-03"})
    wrong = open_page("demand", {"from": "2025-03", "to": "2025-02"})

    assert [one.value for one in wrong.metric] == [one.value for one in right.metric]
