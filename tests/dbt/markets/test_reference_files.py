"""Reference files in any order give the same history of symbols."""

from datetime import date, timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.dbt.small_warehouse import Warehouse

FIRST = date(2026, 1, 2)
DATES = [FIRST + timedelta(days) for days in (0, 4, 11, 40)]
UNTIL_NOW = None

# What a file says: the sector of each symbol that it lists. A file may list none.
File = dict[str, str | None]
# Symbol, number of the version, sector, first date, first date on which it no longer holds.
Version = tuple[str, int, str | None, date, date | None]

said = st.dictionaries(st.sampled_from("ABC"), st.sampled_from(["Energy", "Utilities", None]), max_size=3)
histories = st.dictionaries(st.sampled_from(DATES), said, min_size=1)


def versions(files: dict[date, File]) -> set[Version]:
    """The history of each symbol: a version begins where a file says something else, or names it again."""
    found: set[Version] = set()
    for symbol in "ABC":
        number, current = 0, None
        for day in sorted(files):
            is_same = symbol in files[day] and current is not None and current[1] == files[day][symbol]
            if current and not is_same:
                found.add((symbol, number, current[1], current[0], day))
                current = None
            if symbol in files[day] and not current:
                number, current = number + 1, (day, files[day][symbol])
        if current:
            found.add((symbol, number, current[1], current[0], UNTIL_NOW))
    return found


@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    # Every example restores the warehouse itself.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(files=histories, before=st.dictionaries(st.sampled_from(DATES), said, max_size=2), order=st.permutations(DATES))
def test_the_history_of_symbols_is_that_of_the_last_files_in_any_order(
    markets: Warehouse, files: dict[date, File], before: dict[date, File], order: list[date]
) -> None:
    """Also where an earlier edition of a file was loaded and built before."""
    markets.restore()
    days = [day for day in order if day in files]
    editions = [(day, before[day]) for day in before if day in files]
    for day, file in editions:
        _load(markets, day, file)
    if editions:
        markets.build("--select", "+dim_symbol")
    for day in days:
        _load(markets, day, files[day])
    markets.build("--select", "+dim_symbol")
    rows = markets.execute(
        "select symbol, version_number, sector, valid_from, valid_to from core_markets.dim_symbol"
        " where is_current = (valid_to is null)"
    )
    assert len(rows) == len(set(rows))
    assert set(rows) == versions(files)


def _load(markets: Warehouse, day: date, file: File) -> None:
    """Load a file. Publishers write symbols in small letters and with spaces, too."""
    markets.load("symbols", day, [{"symbol": f" {name.lower()}", "sector": sector} for name, sector in file.items()])


def test_an_exchange_is_as_the_last_file_that_names_it_says(markets: Warehouse) -> None:
    for day, names in ((DATES[1], {"XNYS": "New", "XNAS": "Nasdaq"}), (DATES[0], {"XNYS": "Old", "BATS": "Cboe"})):
        markets.load("exchanges", day, [{"exchange_code": code, "name": name} for code, name in names.items()])
    markets.build("--select", "+dim_exchange")
    assert set(markets.execute("select exchange_code, exchange_name, is_listed from core_markets.dim_exchange")) == {
        ("XNYS", "New", True),
        ("XNAS", "Nasdaq", True),
        ("BATS", "Cboe", False),
    }
