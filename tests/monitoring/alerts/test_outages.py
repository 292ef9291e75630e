"""Each outage is told once, and that it is over once, whatever the looks see and however often."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.alerts.conditions import Condition, Look, Source
from monitoring.alerts.outages import SETTLED_SECONDS, Outage, decide
from monitoring.runbooks import Runbook

PATIENCE = 3600
KEYS = ("ledger/patient", "ledger/at once", "disk/at once")


def _condition(key: str, since: float | None = None) -> Condition:
    is_patient = key.endswith("patient")
    return Condition(key, Runbook.GAP, key, (), lambda _: (), is_patient=is_patient, since=since)


def _look(*keys: str, sources: frozenset[Source] = frozenset(Source), unsure: tuple[str, ...] = ()) -> Look:
    return Look(tuple(map(_condition, keys)), sources, frozenset(unsure))


def _tell(looks: list[tuple[float, Look]]) -> list[tuple[float, str, str]]:
    """What is told at these times: (time, `new` or `over`, key)."""
    known: dict[str, Outage] = {}
    said = []
    for now, look in looks:
        decision = decide(known, look, now, patience=PATIENCE)
        said += [(now, "new", condition.key) for condition in decision.to_tell]
        said += [(now, "over", outage.label) for outage in decision.over]
        known = decision.outages
    return said


def _expected(looks: list[tuple[float, Look]], key: str) -> list[tuple[float, str, str]]:
    """What is to be told of one condition, by a plain reading of the times at which it was seen and not seen."""
    patience = PATIENCE if key.endswith("patient") else 0
    judged = [(now, key in {one.key for one in look.conditions}) for now, look in looks if _is_judged(look, key)]
    said: list[tuple[float, str, str]] = []
    began = gone = None
    is_told = False
    for now, is_there in judged:
        if is_there:
            began, gone = (now if began is None else began), None
            if not is_told and now - began >= patience:
                said.append((now, "new", key))
                is_told = True
        elif not is_told:
            began = None
        elif gone is None:
            gone = now
        elif now - gone >= SETTLED_SECONDS:
            said.append((now, "over", key))
            began, gone, is_told = None, None, False
    return said


def _is_judged(look: Look, key: str) -> bool:
    return key in {one.key for one in look.conditions} or look.has_seen(key)


@st.composite
def _sequences(draw: st.DrawFn) -> list[tuple[float, Look]]:
    now, looks = 0.0, []
    for _ in range(draw(st.integers(1, 15))):
        now += draw(st.sampled_from([1, 60, 599, 600, 601, 1800, 3600]))
        sources = draw(st.frozensets(st.sampled_from(list(Source))))
        there = draw(st.lists(st.sampled_from(KEYS), unique=True))
        unsure = draw(st.lists(st.sampled_from(KEYS), unique=True))
        seen = [key for key in there if key.partition("/")[0] in sources and key not in unsure]
        looks.append((now, _look(*seen, sources=sources, unsure=tuple(unsure))))
    return looks


@settings(max_examples=60)
@given(_sequences())
def test_whatever_is_seen_each_outage_is_told_once_and_over_once(looks: list[tuple[float, Look]]) -> None:
    said = _tell(looks)
    for key in KEYS:
        of_key = [one for one in said if one[2] == key]
        assert of_key == _expected(looks, key)
        # New and over take turns, and new is first.
        words = [word for _, word, _ in of_key]
        assert words[:1] in ([], ["new"])
        assert all(one != other for one, other in pairwise(words))


@settings(max_examples=60)
@given(_sequences(), st.lists(st.booleans(), min_size=15, max_size=15))
def test_looking_more_often_tells_nothing_more(looks: list[tuple[float, Look]], again: list[bool]) -> None:
    twice = [each for one, is_again in zip(looks, again, strict=False) for each in ([one, one] if is_again else [one])]
    assert _tell(twice) == _tell(looks)


def test_what_an_old_file_says_is_told_at_once() -> None:
    old = _condition("ledger/patient", since=0)
    decision = decide({}, Look((old,), frozenset(Source)), PATIENCE, patience=PATIENCE)
    assert decision.to_tell == (old,)
    # A file of the future has been so since now.
    of_future = _condition("ledger/patient", since=2 * PATIENCE)
    decision = decide({}, Look((of_future,), frozenset(Source)), PATIENCE, patience=PATIENCE)
    assert (decision.to_tell, decision.outages["ledger/patient"].since) == ((), PATIENCE)


def test_what_cannot_be_looked_at_is_neither_new_nor_over() -> None:
    told = _look("ledger/at once")
    busy = _look(sources=frozenset({Source.DISK}))
    assert _tell([(0, told), *((600.0 * n, busy) for n in range(1, 20)), (12_000, told)]) == [
        (0, "new", "ledger/at once")
    ]


def test_a_disk_at_its_limit_is_one_outage() -> None:
    looks = [(300.0 * n, _look("disk/at once") if n % 2 else _look()) for n in range(40)]
    looks += [(20_000, _look()), (20_600, _look())]
    assert [word for _, word, _ in _tell(looks)] == ["new", "over"]
