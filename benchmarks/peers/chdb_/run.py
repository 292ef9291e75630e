"""A stage of chDB: MergeTree tables, of which a month or a file is one partition that is dropped and inserted."""

import sys
from datetime import date, timedelta
from pathlib import Path
from string import Template

from chdb.session import Session

from benchmarks.peers.command import Options, main, parts_of

_FOLDER = Path(__file__).parent
_TRIPS = ("yellow", "fhv", "citibike")
_FACTS = parts_of(_FOLDER / "facts.sql")
_TABLES = parts_of(_FOLDER / "tables.sql")
_HOLIDAYS = (_FOLDER.parent / "holidays.csv").read_text().split()[1:]

# Columns are found by name in any case, and those that a file lacks are null. Joins give null where they find nothing.
_SETTINGS = """
    set input_format_parquet_case_insensitive_column_matching = 1, input_format_parquet_allow_missing_columns = 1,
        input_format_null_as_default = 1, date_time_input_format = 'best_effort', join_use_nulls = 1,
        output_format_parquet_string_as_string = 1, max_memory_usage = {}
"""


def _open(options: Options) -> Session:
    session = Session(str(options.store / "chdb"))
    session.query(_SETTINGS.format(_bytes(options.memory_limit)))
    for table in _TABLES.values():
        session.query(table)
    return session


def load(options: Options) -> None:
    """Load the months' files."""
    _load(_open(options), options)


def _load(session: Session, options: Options) -> list[tuple[str, str]]:
    """Load the files, each as a partition of its feed's table; the feeds and months."""
    loaded = []
    for feed in (*_TRIPS, "weather"):
        columns = _TABLES[feed].partition("source_month Date,")[2].rpartition(") engine")[0]
        for month, files in options.files_of(feed):
            first = f"'{month}-01'"
            is_csv = files[0].suffix == ".csv"
            paths = files[0].parent / "*.csv" if is_csv else files[0]
            form = "CSVWithNames" if is_csv else "Parquet"
            structure = columns.replace("'", "\\'")
            session.query(f"alter table {feed} drop partition {first}")
            session.query(
                f"insert into {feed} select toDate({first}) as source_month, *"
                f" from file('{paths.resolve()}', '{form}', '{structure}')"
            )
            loaded.append((feed, month))
    return loaded


def refresh(options: Options) -> None:
    """Make both facts anew, a file and a month at a time."""
    session = _open(options)
    session.query("truncate table trips")
    session.query("truncate table hourly")
    for feed in _TRIPS:
        for month in _values(session, f"select distinct source_month from {feed} order by 1"):
            _make_trips(session, feed, month)
    for month in _values(session, "select distinct pickup_month from trips order by 1"):
        _make_hours(session, month)


def update(options: Options) -> None:
    """Load the months' files, and replace their trips and the hours that these can touch."""
    session = _open(options)
    touched = set()
    for feed, month in _load(session, options):
        if feed in _TRIPS:
            session.query(f"alter table trips drop partition ('{feed}', '{month}-01')")
            _make_trips(session, feed, f"{month}-01")
            touched |= _around(month)
    for month in sorted(touched):
        session.query(f"alter table hourly drop partition '{month}'")
        _make_hours(session, month)


def metric(options: Options) -> None:
    """Answer the metric."""
    _answer(options, "metric.sql")


def dashboards(options: Options) -> None:
    """Answer the queries of the dashboards."""
    _answer(options, "queries.sql")


def export(options: Options) -> None:
    """Write the facts as Parquet."""
    session = _open(options)
    assert options.output
    for fact in ("trips", "hourly"):
        (options.output / fact).mkdir(parents=True)
        session.query(
            f"select * from {fact} into outfile '{options.output.resolve()}/{fact}/all.parquet' format Parquet"
        )


def _make_trips(session: Session, feed: str, month: str) -> None:
    names = {"month": f"'{month}'", "feed": feed, "holidays": ", ".join(f"'{day}'" for day in _HOLIDAYS)}
    parts = {"rows": _select(feed, names), "weather_hours": _select("weather_hours", names)}
    session.query(f"insert into trips {_select('trips', names | parts)}")


def _make_hours(session: Session, month: str) -> None:
    names = {"month": f"'{month}'"}
    hours = _select("hourly", names | {"weather_hours": _select("weather_hours", names)})
    session.query(f"insert into hourly {hours}")


def _select(part: str, names: dict[str, str]) -> str:
    return Template(_FACTS[part]).substitute(names)


def _answer(options: Options, file: str) -> None:
    session = _open(options)
    for name, query in parts_of(_FOLDER / file).items():
        answer = session.query(query, "Parquet" if options.answers else "CSV").bytes()
        if options.answers:
            options.answers.mkdir(parents=True, exist_ok=True)
            (options.answers / f"{name}.parquet").write_bytes(answer)


def _values(session: Session, query: str) -> list[str]:
    lines: bytes = session.query(query, "TSV").bytes()
    return lines.decode().split()


def _around(month: str) -> set[str]:
    """The months whose hours a month's files can touch, by their first days."""
    first = date.fromisoformat(f"{month}-01")
    days = (first - timedelta(days=1), first, first + timedelta(days=31))
    return {day.replace(day=1).isoformat() for day in days}


def _bytes(limit: str) -> int:
    return int(float(limit.removesuffix("GB")) * 1e9) if limit.endswith("GB") else int(float(limit[:-2]) * 1e6)


if __name__ == "__main__":
    stages = {"load": load, "refresh": refresh, "new": update, "again": update, "metric": metric}
    sys.exit(main(stages | {"dashboards": dashboards, "export": export}))
