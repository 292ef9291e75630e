import duckdb
from hypothesis import given
from hypothesis import strategies as st

from warehouse.sql import identifier, literal

_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@given(_TEXTS)
def test_any_text_is_itself_as_a_literal(text: str) -> None:
    assert duckdb.execute(f"select {literal(text)}").fetchall() == [(text,)]


@given(_TEXTS)
def test_any_text_names_a_column(text: str) -> None:
    described = duckdb.execute(f"select 1 as {identifier(text)}").description
    assert [name for name, *_ in described] == [text]


def test_parts_make_a_qualified_name() -> None:
    assert identifier("a b", 'c"d') == '"a b"."c""d"'
