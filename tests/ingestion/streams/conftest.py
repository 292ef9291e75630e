"""The broker and registry of the sandbox, as the sandbox's own tests have them."""

from tests.streams.conftest import broker, registry

__all__ = ["broker", "registry"]
