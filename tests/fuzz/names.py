"""Names that a publisher might give a column."""

SQL_WORDS = ["order", "group", "select", "table", "user", "from", "null", "default", "end", "all", "limit", "cast"]

NAMES_OF_OURS = [
    "source_row", "feed", "source_month", "_dlt_load_id", "_dlt_id", "file_row_number", "rowid", "filename",
    "Source_Row", "SourceRow", "row_id", "_dlt_parent_id", "rows", "published", "load_id", "File Row Number",
]  # fmt: skip

INJECTION = 'x"); drop table raw_data.green_taxi; create table main.injected as select 1; --'

ODD_NAMES = [
    INJECTION, "x'); create table main.injected as select 1; --", '"', "'", '""', "a\"b'c", "`tick`", "a.b.c", "a;b",
    "", " ", "  x  ", "_", "__", "a\nb", "a\r\nb", "a\tb", "a\x00b", "\ufeffbom", "naïve", "東京", "🚲", "é" * 100,
    "x" * 1000,
    "x" * 70, "1st", "2", "-1", "%s", "{month}", "{0}", "$1", "?", ":name", "a/b", "a\\b", "../../x", "<b>", "#",
    "A" * 300 + "B", "camelCaseName", "ALLCAPS", "a__b", "a b", "column0", "*", "count(*)", "\u202eabc", "İ", "\u017f",
]  # fmt: skip
