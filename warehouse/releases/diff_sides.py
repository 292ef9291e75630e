"""A partition in two releases: where its rows are, and which of its columns can be compared."""

from dataclasses import dataclass
from pathlib import Path

from warehouse.releases.release import Part, ReleaseTable
from warehouse.sql import identifier, literal

# Facts keep the load that each row is of. It changes with every load of the file, also where the row is the same.
LOAD_COLUMN = "load_id"


@dataclass(frozen=True)
class Side:
    """A partition in one release: in which attached database, in which folder."""

    database: str
    folder: Path
    table: ReleaseTable
    part: Part

    @property
    def name(self) -> str:
        """For messages: the file, or else the table."""
        return str(self.folder / self.part.file) if self.part.file else f"{self.folder}: {self.table.full_name}"

    @property
    def relation(self) -> str:
        """What to select the rows from, with the condition that they fulfil."""
        if self.part.file:
            return f"read_parquet({literal(self.folder / self.part.file)})"
        relation = identifier(self.database, self.table.schema, self.table.name)
        conditions = [self._condition(name) for name in self.table.partition_fields if self.part.period_start]
        return f"{relation} where {' and '.join(conditions)}" if conditions else relation

    def _condition(self, name: str) -> str:
        type_ = dict(self.table.columns)[name]
        value = self.part.period_start if type_ in ("DATE", "TIMESTAMP") else self.part.feed
        return f"{identifier(name)} = cast({literal(str(value))} as {type_})"


@dataclass(frozen=True)
class Pair:
    """A partition before and after; one of them is missing where it is new or gone."""

    partition_key: str
    old: Side | None
    new: Side | None

    @property
    def common(self) -> list[str]:
        """The columns that both have."""
        if not self.old or not self.new:
            return [name for side in (self.old, self.new) if side for name, _ in side.table.columns]
        before = dict(self.old.table.columns)
        return [name for name, _ in self.new.table.columns if name in before]

    @property
    def key(self) -> list[str]:
        """The columns that name a row in both; none if the table has no key, or one that the other has not."""
        side = self.new or self.old
        key = list(side.table.key) if side else []
        return key if set(key) <= set(self.common) else []

    @property
    def compared(self) -> list[str]:
        """The columns whose values are compared."""
        return [name for name in self.common if name not in (*self.key, LOAD_COLUMN)]

    @property
    def money(self) -> list[str]:
        """The columns in US dollars."""
        side = self.new or self.old
        return [name for name in side.table.money if name in self.common] if side else []

    def selected(self, side: Side) -> str:
        """A select of the common columns, in the types that they have after."""
        types = dict(side.table.columns)
        wanted = dict(self.new.table.columns) if self.new else types
        columns = [
            # By way of text, because not every type can be cast to every other.
            identifier(name)
            if types[name] == wanted[name]
            else f"try_cast(cast({identifier(name)} as varchar) as {wanted[name]}) as {identifier(name)}"
            for name in self.common
        ]
        return f"select {', '.join(columns)} from {side.relation}"
