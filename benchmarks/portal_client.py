"""A person at the portal, without a browser: it speaks Streamlit's protocol over a WebSocket.

A browser on the same machine would take most of the processors, and measure itself. A page counts as there when all of
its elements have arrived and the server says that the page's run has ended.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

# Longer than any page may take, also on a busy machine.
_PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Visit:
    """A page as it arrived: when it was there, and how much was sent for it. `title` is its first heading."""

    seconds: float
    megabytes: float
    elements: int
    title: str


@dataclass(frozen=True)
class PortalPage:
    """A page of the menu: its part of the address, empty for the first one, and Streamlit's own name for it."""

    path: str
    title: str
    script_hash: str


@dataclass
class Person:
    """A session of the portal: the tab of one person's browser.

    Like a browser it keeps large elements, and tells the server which, so that they are not sent again. With the
    `session` of one that was disconnected a moment ago it comes back to that.
    """

    port: int
    pages: Sequence[PortalPage] = ()
    session: str = ""
    _kept: set[str] = field(default_factory=set)
    _connection: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        # As a browser sends them: the second is a token that only users who log in have.
        protocols = ["streamlit", "none", self.session] if self.session else ["streamlit"]
        self._connection = await connect(
            f"ws://localhost:{self.port}/_stcore/stream", subprotocols=list(map(Subprotocol, protocols)), max_size=None
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection:
            await self._connection.close()

    async def visit(self, path: str, query: str = "") -> Visit:
        """Open a page by its address, or go to it from another.

        Raises:
            TimeoutError: it is not there after two minutes.
            RuntimeError: the server knows no such page.
        """
        message = BackMsg()
        run = message.rerun_script
        run.query_string = query
        run.page_script_hash = next((page.script_hash for page in self.pages if page.path == path), "")
        run.page_name = path
        run.cached_message_hashes.extend(self._kept)
        run.context_info.url = f"http://localhost:{self.port}/{path}"
        run.context_info.timezone = "America/New_York"
        run.context_info.locale = "en-US"
        begun = time.perf_counter()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            assert self._connection is not None
            await self._connection.send(message.SerializeToString())
            return await self._arrival(begun)

    async def _arrival(self, begun: float) -> Visit:
        assert self._connection is not None
        size, elements, title = 0, 0, ""
        async for data in self._connection:
            size += len(data)
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            match message.WhichOneof("type"):
                case "delta" | "ref_hash":
                    elements += 1
                    title = title or message.delta.new_element.heading.body
                    if message.metadata.cacheable:
                        self._kept.add(message.hash)
                case "new_session":
                    self.session = message.new_session.initialize.session_id
                case "navigation":
                    self.pages = [
                        PortalPage(
                            page.url_pathname if not page.is_default else "", page.page_name, page.page_script_hash
                        )
                        for page in message.navigation.app_pages
                    ]
                case "page_not_found":
                    raise RuntimeError("the portal has no such page")
                case "script_finished" if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    return Visit(time.perf_counter() - begun, size / 1e6, elements, title)
        raise RuntimeError("the portal closed the connection")
