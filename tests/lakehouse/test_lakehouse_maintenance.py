"""Maintenance expires old states of the lakehouse, where there is one."""

import time
from datetime import datetime, tzinfo
from pathlib import Path

import pytest
from deltalake import DeltaTable

from tests.lakehouse.readers import EXPORTERS, data_files
from tests.lakehouse.releases import FACT, PARTITIONS, make_release, with_layers
from tests.warehouse.small_releases import snapshot
from warehouse.lakehouse import Location
from warehouse.lakehouse.layers import export_layers
from warehouse.maintenance import lakehouse as module
from warehouse.maintenance.lakehouse import lakehouse


@pytest.fixture
def to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Location:
    monkeypatch.setenv("LAKEHOUSE_URL", str(tmp_path / "lakehouse"))
    monkeypatch.setenv("LAYERS_URL", str(tmp_path / "layers"))
    monkeypatch.setenv("PUBLISHED_RELEASES", "1")
    return Location.of()


class _Later(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "_Later":
        return cls.fromtimestamp(time.time() + 2 * 3600, tz)


def test_only_states_of_kept_releases_stay(to: Location, published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = None
    for number in (1, 2, 3):
        partitions = {**PARTITIONS, "yellow/2025-02": f"{number} {number * 10}"}
        release = before = make_release(published, partitions=partitions, number=number, before=before)
        EXPORTERS["delta"](release, release.tables[:1], to)
    files = len(data_files("delta", to, FACT))
    # What was just written is taken for a part of an export that goes on.
    monkeypatch.setattr(module, "datetime", _Later)
    there = snapshot(to.path)
    assert lakehouse(True).is_nothing
    assert snapshot(to.path) == there

    assert lakehouse(False).said == "2 files of states before the last 1"

    assert len(data_files("delta", to, FACT)) == files - 2
    assert lakehouse(False).is_nothing


def test_only_states_of_kept_releases_stay_in_layers(
    to: Location, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        partitions = {**PARTITIONS, "yellow/2025-02": f"{number} {number * 10}"}
        with_layers(make_release(published, partitions=partitions, number=number), {FACT: "silver/rides"})
        export_layers()
    folder = Location.of_layers().path / "silver/rides"
    others = Location.of_layers().path / "silver/of_others.parquet"
    others.write_text("not ours")
    files = len(list(folder.glob("*.parquet")))
    monkeypatch.setattr(module, "datetime", _Later)

    assert lakehouse(False).said == "2 files of states before the last 1"

    assert len(list(folder.glob("*.parquet"))) == files - 2
    assert DeltaTable(folder).to_pyarrow_table().num_rows == 370
    assert others.exists()
    assert lakehouse(False).is_nothing


def test_where_nothing_was_exported_nothing_is_made(to: Location) -> None:
    assert lakehouse(False).said == "nothing was exported"
    assert not to.path.exists()
