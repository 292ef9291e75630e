"""One publisher and one loaded database for all rounds that a worker does."""

from collections.abc import Iterator

import pytest

from tests.fuzz.publisher import FuzzPublisher
from tests.fuzz.rounds import Fuzzer


@pytest.fixture(scope="session")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzer]:
    with FuzzPublisher() as publisher:
        yield Fuzzer(tmp_path_factory.mktemp("fuzz"), publisher)
