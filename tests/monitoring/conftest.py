"""What tests of figures share: the portal's sample, which has a working file and two releases."""

from tests.portal.conftest import _sample, sample

__all__ = ["_sample", "sample"]
