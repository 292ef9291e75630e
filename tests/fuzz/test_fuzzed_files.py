"""Files that are not what they should be: each is loaded rightly or fails clearly, and stops no other.

`FUZZ_SECONDS` is the time for all formats, those of `test_fuzzed_answers.py`, too; `FUZZ_SEED` gives other rounds.
"""

import pytest

from tests.fuzz import csvs, parquet, zips
from tests.fuzz.rounds import SECONDS, Format, Fuzzer

FORMATS = [
    Format("parquet", ("tlc",), parquet.MUTATIONS),
    Format("zip", ("citibike",), zips.MUTATIONS),
    Format("csv", ("citibike",), csvs.MUTATIONS),
]


@pytest.mark.parametrize("format_", FORMATS, ids=lambda format_: format_.name)
def test_a_fuzzed_file_is_loaded_rightly_or_fails_clearly(fuzzer: Fuzzer, format_: Format) -> None:
    failures = fuzzer.failures(format_, SECONDS / 5)
    assert not failures, f"{len(failures)} rounds went wrong:\n" + "\n".join(failures)
