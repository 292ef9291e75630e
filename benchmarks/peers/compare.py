"""Check that a peer made the platform's facts, and gave its answers.

A fact is boiled down to a digest: the number of rows, hashes of all columns but doubles, and sums of doubles. Sums
depend on the order of the rows, so doubles may differ by a billionth; weighed by their row's hash, they cannot change
places either. Whole facts are compared by digests, so that none must be kept for later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.peers.facts import FACTS
from benchmarks.processes import BenchmarkError
from warehouse.sql import identifier, literal

TOLERANCE = 1e-9
_MOST_WEIGHT = 1000

_NAMES_OF_THE_PLATFORM = {"trips": "core_core.fct_trips", "hourly": "core_core.fct_hourly_mobility"}


@dataclass(frozen=True)
class Sums:
    """How many doubles a column has, their sum, their weighed sum, and the sum of their sizes."""

    count: int
    sum: float
    weighed: float
    sizes: float


@dataclass(frozen=True)
class Digest:
    """What is compared of a fact: hashes by column, and of whole rows by the empty name; sums by column of doubles."""

    rows: int
    hashes: Mapping[str, int]
    sums: Mapping[str, Sums]


def digest_of_database(database: Path, fact: str) -> Digest:
    """The digest of a fact in a DuckDB file of the platform or the floor."""
    with duckdb.connect(str(database), read_only=True, config={"memory_limit": "4GB"}) as connection:
        return _digest(connection, _NAMES_OF_THE_PLATFORM[fact], fact)


def digest_of_parquet(folder: Path, fact: str) -> Digest:
    """The digest of a fact that a peer exported to `FOLDER/FACT/**/*.parquet`.

    Raises:
        BenchmarkError: there is no such file, or a column is missing or of a type that cannot be compared.
    """
    files = literal(folder / fact / "**" / "*.parquet")
    source = f"read_parquet({files}, union_by_name = true, hive_partitioning = false)"
    with duckdb.connect(config={"memory_limit": "4GB"}) as connection:
        # Some engines write times as of UTC.
        connection.execute("set timezone = 'UTC'")
        try:
            return _digest(connection, source, fact)
        except duckdb.Error as error:
            raise BenchmarkError(f"expected {fact} as Parquet with all its columns in {folder}, got: {error}") from None


def require_same_fact(expected: Digest, found: Digest, fact: str, who: str) -> None:
    """Compare the platform's fact with a peer's.

    Raises:
        BenchmarkError: they differ; the message says in which columns.
    """
    differing = []
    if expected.rows != found.rows:
        differing.append(f"{found.rows:,} rows, not {expected.rows:,}")
    # Weights are the rows' hashes: of other rows they say nothing.
    has_same_rows = expected.hashes[""] == found.hashes[""]
    columns = [name for name, value in expected.hashes.items() if name and found.hashes[name] != value]
    columns += [name for name, sums in expected.sums.items() if not _is_close(sums, found.sums[name], has_same_rows)]
    if columns:
        differing.append(f"other values of {', '.join(columns)}")
    elif not has_same_rows:
        differing.append("the same values, but in other rows")
    if differing:
        raise BenchmarkError(f"expected {who} to make the platform's {fact}, got {'; '.join(differing)}")


def require_same_answers(expected: Path, found: Path, names: list[str], who: str) -> None:
    """Compare the answers to queries, `FOLDER/NAME.parquet` each, in any order of rows.

    Raises:
        BenchmarkError: an answer is missing or differs.
    """
    for name in names:
        columns, right = _answer(expected / f"{name}.parquet")
        found_columns, given = _answer(found / f"{name}.parquet")
        if columns != found_columns:
            raise BenchmarkError(f"expected {who} to answer {name} with {columns}, got {found_columns}")
        unlike = [pair for pair in zip(right, given, strict=False) if not _is_same_row(*pair)]
        if len(right) != len(given) or unlike:
            raise BenchmarkError(
                f"expected {who} to answer {name} as the platform does, got {len(given)} rows for {len(right)}, of"
                f" which {len(unlike)} differ; the first, expected and found: {unlike[:1]}"
            )


def _digest(connection: duckdb.DuckDBPyConnection, source: str, fact: str) -> Digest:
    types = FACTS[fact]
    exact = [identifier(name) for name, type_ in types.items() if type_ != "double"]
    doubles = [identifier(name) for name, type_ in types.items() if type_ == "double"]
    cast = ", ".join(f"cast({identifier(name)} as {type_}) as {identifier(name)}" for name, type_ in types.items())
    hashes = [f"coalesce(sum(hash({name})), 0)" for name in exact]
    sums = [
        f"count({name}), coalesce(sum({name}), 0), coalesce(sum({name} * weight), 0), coalesce(sum(abs({name})), 0)"
        for name in doubles
    ]
    row = connection.execute(
        f"""
        with typed as (select {cast} from {source}),
        hashed as (select *, hash({", ".join(exact)}) as row_hash from typed),
        weighed as (select *, 1 + row_hash % {_MOST_WEIGHT} as weight from hashed)
        select count(*), coalesce(sum(row_hash), 0), {", ".join([*hashes, *sums])}
        from weighed
        """
    ).fetchall()[0]
    rows, row_hash, *values = row
    of_columns, of_doubles = values[: len(exact)], values[len(exact) :]
    names = {kind: [name for name in types if (types[name] == "double") == kind] for kind in (False, True)}
    return Digest(
        rows,
        {"": row_hash} | dict(zip(names[False], of_columns, strict=True)),
        {name: Sums(*of_doubles[4 * place : 4 * place + 4]) for place, name in enumerate(names[True])},
    )


def _is_close(expected: Sums, found: Sums, is_weighed: bool) -> bool:
    """Whether sums differ by no more than their rounding; a NaN never is close."""
    allowed = TOLERANCE * max(expected.sizes, 1)
    return (
        expected.count == found.count
        and abs(expected.sum - found.sum) <= allowed
        and (not is_weighed or abs(expected.weighed - found.weighed) <= _MOST_WEIGHT * allowed)
    )


def _answer(path: Path) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The columns and rows of an answer: dates without a time, numbers as floats, sorted."""
    if not path.exists():
        raise BenchmarkError(f"expected an answer in {path}, found no such file")
    with duckdb.connect() as connection:
        answer = connection.sql(f"from read_parquet({literal(path)})")
        shown = [
            f"cast({identifier(name)} as {_form(str(type_))})"
            for name, type_ in zip(answer.columns, answer.types, strict=True)
        ]
        columns = answer.columns
        rows = connection.sql(f"select {', '.join(shown)} from read_parquet({literal(path)})").fetchall()
    return columns, sorted(rows, key=lambda row: [(value is not None, str(value)) for value in row])


def _form(type_: str) -> str:
    if type_.startswith("TIMESTAMP") or type_ == "DATE":
        return "date"
    return "double" if type_.startswith(("DECIMAL", "DOUBLE", "FLOAT")) or "INT" in type_ else "varchar"


def _is_same_row(expected: tuple[Any, ...], found: tuple[Any, ...]) -> bool:
    return all(
        abs(one - other) <= TOLERANCE * max(abs(one), 1)
        if isinstance(one, float) and isinstance(other, float)
        else one == other
        for one, other in zip(expected, found, strict=True)
    )
