"""Answers that are not what they should be: each is loaded rightly or fails clearly, and stops no other.

In a file of its own, so that two workers share the time with `test_fuzzed_files.py`.
"""

import pytest

from tests.fuzz import http, weather
from tests.fuzz.rounds import SECONDS, Format, Fuzzer

FORMATS = [
    Format("weather", ("weather",), weather.MUTATIONS),
    Format("http", ("tlc", "citibike", "weather"), http.MUTATIONS),
]


@pytest.mark.parametrize("format_", FORMATS, ids=lambda format_: format_.name)
def test_a_fuzzed_answer_is_loaded_rightly_or_fails_clearly(fuzzer: Fuzzer, format_: Format) -> None:
    failures = fuzzer.failures(format_, SECONDS / 5)
    assert not failures, f"{len(failures)} rounds went wrong:\n" + "\n".join(failures)
