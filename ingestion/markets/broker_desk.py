"""Where the broker's API is, and what it is asked about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ingestion.fetch.questions import Question

# No contract is listed longer before it expires.
_LONGEST_DAYS = 5 * 366
_MOST_CONTRACTS = 10_000


@dataclass(frozen=True)
class Desk:
    """The addresses of market data and of the trading API, and the watchlist.

    `keeps_chains` says that the server there keeps the chains of past days, and gives them for `as_of`. The API itself
    does not.
    """

    data: str
    trading: str
    watchlist: tuple[str, ...]
    keeps_chains: bool = False

    def as_of(self, day: date) -> Mapping[str, str]:
        """What asks for the state at the end of a day, from a server that keeps it."""
        return {"as_of": day.isoformat()} if self.keeps_chains else {}

    def contracts(self, underlying: str, status: str, day: date, as_of: Mapping[str, str] | None = None) -> Question:
        """The contracts of an underlying, of this status, that had not expired by a day.

        Without a last day of expiry the API would leave out those that expire after the next weekend.
        """
        return Question(
            "contracts",
            f"the {status} contracts of {underlying}",
            f"{self.trading}/v2/options/contracts",
            {
                "underlying_symbols": underlying,
                "status": status,
                "expiration_date_gte": day.isoformat(),
                "expiration_date_lte": (day + timedelta(days=_LONGEST_DAYS)).isoformat(),
                "limit": str(_MOST_CONTRACTS),
                **(as_of or {}),
            },
            about=underlying,
        )
