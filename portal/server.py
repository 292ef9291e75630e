"""What `nyc portal` serves: the pages, each at its own address, and the log of what failed."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from streamlit.file_util import get_static_dir

from ingestion.log import configure_logging
from portal import FIRST_PAGE, LOG_FILE

# Streamlit's code in the browser would first look for the server below the page's address, which the browser's console
# shows as errors. This tells it. Relative, so that it holds behind a proxy that adds a path.
_SERVER_OF_PAGE = '<script>window.__streamlit = {BACKEND_BASE_URL: new URL(".", location.href).href}</script>'


class _PagePath(Convertor[str]):
    regex = "[a-z_]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


def _page(request: Request) -> Response:
    if request.path_params["path"] == FIRST_PAGE:
        # Streamlit knows the first page by no path.
        return RedirectResponse("./")
    html = Path(get_static_dir(), "index.html").read_text(encoding="utf-8")
    return HTMLResponse(html.replace("<head>", f"<head>{_SERVER_OF_PAGE}", 1), headers={"Cache-Control": "no-cache"})


@asynccontextmanager
async def _ready(_: st.App) -> AsyncIterator[None]:
    """Import what pages need, so that the first person does not wait for it. Not earlier: caches need the server."""
    import metricflow.engine.metricflow_engine  # noqa: F401

    import portal.frame  # noqa: F401

    # After each run of a page Streamlit collects garbage, for which everything that was imported would be looked at: a
    # tenth of a second, in which no other session goes on.
    gc.collect()
    gc.freeze()
    yield


def _say_unexpected(error: Exception) -> bool:
    from portal.states import say_unexpected

    return say_unexpected(error)


configure_logging(LOG_FILE, ("portal", "metrics", "quality", "warehouse"))
register_url_convertor("page", _PagePath())

app = st.App("app.py", routes=[Route("/{path:page}", _page)], lifespan=_ready, on_script_error=_say_unexpected)
