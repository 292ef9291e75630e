"""What is said in place of a page that cannot be shown: why, and what to do, with commands to copy."""

import logging
from collections.abc import Sequence

import streamlit as st

from portal import LOG_FILE
from portal.page import LOAD, Page
from portal.texts import plain
from portal.view import View
from warehouse.connection import WarehouseError
from warehouse.ledger import utc_now
from warehouse.paths import database_path, log_folder
from warehouse.releases import NothingPublishedError

logger = logging.getLogger(__name__)

BUILD_AND_PUBLISH = ("nyc build", "nyc publish")
_TAKE_THE_NEWER = "The portal offers the newer release as soon as there is one."


def show_commands(commands: Sequence[str]) -> None:
    """Commands to copy."""
    st.code("\n".join(commands), language="bash", wrap_lines=True)


def say_what_to_do(text: str, commands: Sequence[str]) -> None:
    """Words about what to do, and the commands for it."""
    st.markdown(plain(text))
    show_commands(commands)


def nothing_to_show(text: str, commands: Sequence[str] = (LOAD, *BUILD_AND_PUBLISH)) -> None:
    """In place of a part of a page: there are no rows. The commands say what to load, build and publish."""
    st.info(plain(text), icon=":material/info:")
    show_commands(commands)
    st.caption(_TAKE_THE_NEWER)


def say_what_is_missing(page: Page, view: View) -> bool:
    """In place of a page that needs tables without rows. Returns whether there are any."""
    missing = [table for table in page.needs if not view.has_table(table)]
    if not missing:
        return False
    loads = dict.fromkeys(page.needs[table] for table in missing)
    st.title(page.title)
    nothing_to_show(f"This release has no rows in {' and '.join(missing)}.", (*loads, *BUILD_AND_PUBLISH))
    return True


def say_no_release(error: WarehouseError) -> None:
    """In place of all pages: there is no release that can be read."""
    if not isinstance(error, NothingPublishedError):
        say_error(error)
    elif database_path().exists():
        st.title("Nothing is published yet")
        say_what_to_do("There is a database. Publish what is built in it.", BUILD_AND_PUBLISH)
    else:
        st.title("Nothing is loaded yet")
        say_what_to_do("Load, build and publish.", (LOAD, *BUILD_AND_PUBLISH))
        say_what_to_do("Or look at sample data first, which is made on this machine.", ("make demo",))


def say_error(error: WarehouseError) -> None:
    """In place of a page: the warehouse says why it cannot be read, and what to do."""
    logger.warning("%s", error)
    st.title("This cannot be shown")
    st.error(plain(str(error)), icon=":material/error:")
    say_what_to_do(
        "See which releases there are and go back to one, or make a new one.",
        ("nyc publish --list", "nyc publish --rollback ID", *BUILD_AND_PUBLISH),
    )


def say_unexpected(error: Exception) -> bool:
    """In place of a page: an error that nobody foresaw. The page shows nothing of it; the log has all."""
    logger.error("a page failed", exc_info=error)
    st.error("This page failed. Reload it. The other pages are not affected.", icon=":material/error:")
    st.caption(plain(f"What happened is in {log_folder() / LOG_FILE}, at {utc_now():%Y-%m-%d %H:%M:%S} UTC."))
    return True
