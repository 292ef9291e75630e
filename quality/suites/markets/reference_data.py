"""The dated reference files, each the whole truth as of its date, the dimensions, and the calendar of trading days."""

from quality.files import SOURCE_ROWS_ARE_A_KEY, figure, not_null, share
from quality.rejected import quarantine_suite
from quality.rows import at_least, between, in_set, no_rows, none_where, row_count, unique
from quality.rows import not_null as rows_not_null
from quality.subject import Quarantine
from quality.suites.markets.daily import SCHEMA, daily, mart
from warehouse.periods import Grain

_TIME = "[0-2][0-9]:[0-5][0-9]"

# More symbols than this share do not end with one file, unless it was cut off.
_MOST_ENDING = 0.1

STAGED_SYMBOLS = daily(
    "stg_reference_data__symbols",
    (
        SOURCE_ROWS_ARE_A_KEY,
        not_null("symbol", 0.999),
        not_null("company_name", 0.95),
        not_null("exchange_code", 0.99),
        # Funds have no sector.
        not_null("sector", 0.3),
        not_null("market_cap_bucket", 0.5),
        figure("symbols", "count(distinct symbol)", low=1, why="Symbols of the file."),
        figure("sectors", "count(distinct sector)", high=100, why="Sectors are few. Names of companies are many."),
        share(
            "symbol_is_short",
            "length(symbol) <= 12",
            of="symbol is not null",
            mostly=0.999,
            why="Symbols are short. With columns exchanged they are not.",
        ),
    ),
    ("symbols",),
)

STAGED_EXCHANGES = daily(
    "stg_reference_data__exchanges",
    (
        SOURCE_ROWS_ARE_A_KEY,
        not_null("exchange_code"),
        not_null("exchange_name"),
        share(
            "hours_are_times",
            f"regexp_full_match(opens_at, '{_TIME}') and regexp_full_match(closes_at, '{_TIME}')",
            of="opens_at is not null and closes_at is not null",
            mostly=1,
            why="Hours are written as 09:30.",
        ),
        share(
            "timezone_is_a_name",
            "timezone = 'UTC' or contains(timezone, '/')",
            of="timezone is not null",
            mostly=1,
            why="Time zones are written as America/New_York.",
        ),
    ),
    ("exchanges",),
)

STAGED_TRADERS = daily(
    "stg_reference_data__traders",
    (
        SOURCE_ROWS_ARE_A_KEY,
        not_null("trader_id", 0.999),
        not_null("trader_name", 0.95),
        not_null("firm", 0.9, severity="warn"),
        figure("risk_tiers", "count(distinct risk_tier)", low=1, high=20, why="Tiers of risk are few."),
    ),
    ("traders",),
)

STAGED_ACCOUNTS = daily(
    "stg_reference_data__accounts",
    (
        SOURCE_ROWS_ARE_A_KEY,
        not_null("account_id", 0.999),
        not_null("trader_id", 0.999),
        not_null("status", 0.99),
        figure("account_types", "count(distinct account_type)", low=1, high=20, why="Types of accounts are few."),
    ),
    ("accounts",),
)

DIM_SYMBOL = mart(
    "dim_symbol",
    unique("symbol_version_id"),
    at_least("valid_to_not_before_valid_from", "valid_to", "valid_from"),
    none_where("current_versions_have_no_end", "is_current <> (valid_to is null)", "What has not ended is current."),
    no_rows(
        "versions_do_not_overlap",
        "select symbol, valid_from from (select *, lag(coalesce(valid_to, date '9999-12-31')) over (partition by symbol"
        " order by valid_from) as previous_valid_to from {batch}) as versions where previous_valid_to > valid_from",
        "On a day one version of a symbol holds at most.",
    ),
    no_rows(
        "versions_are_numbered",
        "select symbol from {batch} group by symbol"
        " having min(version_number) <> 1 or max(version_number) <> count(*)"
        " or count(distinct version_number) <> count(*)",
        "Versions are 1, 2, … n.",
    ),
    no_rows(
        "few_symbols_end_at_once",
        "select valid_to, count(*) as ended from (select * from {batch}) as ending where valid_to is not null"
        " and (symbol, valid_to) not in (select (symbol, valid_from) from {batch}) group by valid_to"
        f" having count(*) > greatest(5, {_MOST_ENDING} * (select count(distinct symbol) from {{batch}}))",
        f"At most {_MOST_ENDING:.0%} of the symbols are gone with one file. With a file that was cut off more are.",
        "warn",
    ),
    no_rows(
        "exchange_is_known",
        f"select distinct exchange_code from {{batch}} where exists (select 1 from {SCHEMA}.dim_exchange)"
        f" and exchange_code not in (select exchange_code from {SCHEMA}.dim_exchange)",
        "Exchanges of symbols are in the files of exchanges, where they are loaded.",
        "warn",
    ),
)

DIM_TRADER = mart(
    "dim_trader",
    unique("trader_version_id"),
    at_least("valid_to_not_before_valid_from", "valid_to", "valid_from"),
    none_where("current_versions_have_no_end", "is_current <> (valid_to is null)", "What has not ended is current."),
    no_rows(
        "versions_do_not_overlap",
        "select trader_id, valid_from from (select *, lag(coalesce(valid_to, date '9999-12-31')) over (partition by"
        " trader_id order by valid_from) as previous_valid_to from {batch}) as versions"
        " where previous_valid_to > valid_from",
        "A trader has one version at a time.",
    ),
)

DIM_ACCOUNT = mart(
    "dim_account",
    unique("account_id"),
    none_where(
        "what_was_before_is_another",
        "previous_account_type = account_type or previous_status = status",
        "A type or status differs from the one before it.",
    ),
    none_where(
        "changed_where_something_was_before",
        "(changed_on is null and coalesce(previous_account_type, previous_status) is not null)"
        " or changed_on > described_on",
        "What has changed has a date, which is not after the file that describes it.",
    ),
    no_rows(
        "trader_is_known",
        f"select distinct trader_id from {{batch}} where exists (select 1 from {SCHEMA}.dim_trader)"
        f" and trader_id not in (select trader_id from {SCHEMA}.dim_trader)",
        "Traders of accounts are in the files of traders, where they are loaded.",
        "warn",
    ),
)

DIM_EXCHANGE = mart(
    "dim_exchange",
    unique("exchange_code"),
    rows_not_null("exchange_name"),
    no_rows(
        "the_last_file_lists_some",
        "select count(*) from {batch} having count(*) > 0 and count(*) filter (is_listed) = 0",
        "The last file names exchanges.",
    ),
)

DIM_TRADING_DAY = mart(
    "dim_trading_day",
    row_count(6000, 10_000),
    unique("trading_date"),
    between("day_of_week", 1, 5),
    in_set("utc_offset_minutes", (-300, -240)),
    between("session_hours", 1, 6.5),
    none_where(
        "half_days_are_short", "is_half_day <> (session_hours < 6.5)", "Half-days end early, other days do not."
    ),
    none_where(
        "days_are_in_order",
        "previous_trading_date >= trading_date or next_trading_date <= trading_date",
        "The day before is earlier, the day after later.",
    ),
    no_rows(
        "years_have_their_days",
        "select fiscal_year, count(*) as days from {batch} group by fiscal_year"
        " having count(*) not between 245 and 256",
        "A year has about 252 trading days.",
    ),
    no_rows(
        "pauses_are_short",
        "select trading_date, next_trading_date from {batch} where next_trading_date - trading_date > 7",
        "The exchange is not closed for more than a few days.",
    ),
)

QUARANTINE = Quarantine(
    f"{SCHEMA}.quarantined_reference_rows", Grain.DAY, shown={"code": "code", "described as": "described_as"}
)

SUITES = (
    STAGED_SYMBOLS,
    STAGED_EXCHANGES,
    STAGED_TRADERS,
    STAGED_ACCOUNTS,
    DIM_SYMBOL,
    DIM_TRADER,
    DIM_ACCOUNT,
    DIM_EXCHANGE,
    DIM_TRADING_DAY,
    quarantine_suite(QUARANTINE, ("symbols", "exchanges", "traders", "accounts")),
)
