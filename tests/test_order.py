"""The order in which tests are sent to workers names what is there."""

import pytest

from tests import conftest
from warehouse.paths import PROJECT_ROOT


@pytest.mark.parametrize("path", sorted({*conftest._LONGEST_FIRST, *conftest._SHARE_A_WAREHOUSE}))
def test_what_is_sent_first_is_there(path: str) -> None:
    assert (PROJECT_ROOT / path).exists()
