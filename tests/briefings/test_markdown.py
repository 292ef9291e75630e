"""Names from data are never markup in a briefing."""

import pytest

from briefings.markdown import Column, table, text


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("BRK.B", "BRK.B"),
        ("NULL", "NULL"),
        ("Smith-Jones, Inc.", "Smith-Jones, Inc."),
        (None, "—"),
        (" ", "—"),
        ("a|b", r"a\|b"),
        ("two\nlines\r\n# no heading", r"two lines \# no heading"),
        ("**bold** _x_ `code`", r"\*\*bold\*\* \_x\_ \`code\`"),
        ("[x](javascript:alert(1))", r"\[x\]\(javascript\:alert\(1\)\)"),
        ("<script>alert(1)</script>", r"\<script\>alert\(1\)\</script\>"),
        ("https://evil.example", r"https\://evil.example"),
        ("www.evil.example", r"www\.evil.example"),
        ("a@b.example", r"a\@b.example"),
        (":red[x] :smile: $x$ &amp;", r"\:red\[x\] \:smile\: \$x\$ \&amp;"),
    ],
)
def test_a_name_is_written_as_it_is(name: str | None, written: str) -> None:
    assert text(name) == written


def test_a_very_long_name_is_cut() -> None:
    assert len(text("x" * 1_000_000)) < 300


def test_a_table_has_its_figures_on_the_right() -> None:
    columns = (Column("Name", is_figure=False), Column("Shares"))
    assert table(columns, [["A", "1"], ["B", "2"]]) == ("| Name | Shares |\n| --- | ---: |\n| A | 1 |\n| B | 2 |")
