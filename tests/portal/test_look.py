"""The colours stand out from what they are on as WCAG 2.2 asks at level AA: text by 4.5 to 1, what is drawn by 3."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

import portal
from portal import colours
from portal.general import gap_grid
from portal.mobility.trips import COLOURS

THEME: dict[str, Any] = tomllib.loads(
    (Path(portal.__file__).parent / ".streamlit" / "config.toml").read_text(encoding="utf-8")
)["theme"]
TEXT, DRAWN = 4.5, 3.0

# Streamlit shows captions, headings of tables and hints in inputs so.
FADED = 0.6


def _channels(colour: str) -> list[float]:
    return [int(colour[position : position + 2], 16) / 255 for position in (1, 3, 5)]


def _luminance(colour: str) -> float:
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in _channels(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _faded(text: str, page: str) -> str:
    mixed = (FADED * a + (1 - FADED) * b for a, b in zip(_channels(text), _channels(page), strict=True))
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in mixed)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["backgroundColor", "secondaryBackgroundColor"])
def test_words_can_be_read(scheme: str, page: str) -> None:
    theme = THEME[scheme]
    for text in ("textColor", "primaryColor", "linkColor", "codeTextColor"):
        assert contrast(theme[text], theme[page]) >= TEXT, text
    assert contrast(_faded(theme["textColor"], theme[page]), theme[page]) >= TEXT
    assert contrast(colours.INK[scheme], theme[page]) >= TEXT


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_drawn_can_be_seen(scheme: str) -> None:
    page = THEME[scheme]["backgroundColor"]
    categories = THEME[scheme].get("chartCategoricalColors", THEME["chartCategoricalColors"])

    assert {colour: contrast(colour, page) for colour in COLOURS.values() if contrast(colour, page) < DRAWN} == {}
    assert {colour: contrast(colour, page) for colour in categories if contrast(colour, page) < DRAWN} == {}
    assert contrast(colours.MUTED, page) >= DRAWN


def test_signs_of_gaps_can_be_read() -> None:
    too_pale = {look: contrast("#ffffff", gap_grid.COLOURS[look]) for look in gap_grid.SIGNS}

    assert {look: ratio for look, ratio in too_pale.items() if ratio < TEXT} == {}
