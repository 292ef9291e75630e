"""Published columns, whatever their capitals, become the registry's."""

from pathlib import Path

import duckdb
import pytest

from ingestion.errors import UnreadableFileError
from ingestion.feeds import FEEDS
from ingestion.sources.columns import raw_names, select_list

FHV = FEEDS["fhv"]
PUBLISHED = {
    "dispatching_base_num": "VARCHAR",
    "pickup_datetime": "TIMESTAMP",
    "dropOff_datetime": "TIMESTAMP",
    "PUlocationID": "DOUBLE",
    "DOlocationID": "DOUBLE",
    "SR_Flag": "INTEGER",
    "Affiliated_base_number": "VARCHAR",
}


def test_names_match_whatever_their_capitals_and_underscores() -> None:
    assert list(raw_names(FHV, list(PUBLISHED), Path("x.parquet")).values()) == [
        "dispatching_base_num",
        "pickup_datetime",
        "dropoff_datetime",
        "pu_location_id",
        "do_location_id",
        "sr_flag",
        "affiliated_base_number",
    ]


def test_a_missing_required_column_is_named_with_its_file() -> None:
    published = {name: type_ for name, type_ in PUBLISHED.items() if name != "PUlocationID"}
    with pytest.raises(UnreadableFileError, match=r"fhv_tripdata_2025-01\.parquet.*pu_location_id is missing"):
        select_list(FHV, published, Path("fhv_tripdata_2025-01.parquet"))


def test_types_are_the_registrys_and_what_it_does_not_know_is_kept() -> None:
    published = {**PUBLISHED, "newFee": "FLOAT", "Extra Count": "UTINYINT", "note": "BLOB"}
    del published["SR_Flag"]
    columns = ", ".join(f'null::{type_} as "{name}"' for name, type_ in published.items())
    relation = duckdb.connect().query(f"select {columns}").project(select_list(FHV, published, Path("x.parquet")))
    assert dict(zip(relation.columns, map(str, relation.types), strict=True)) == {
        **{column.name: column.type.value for column in FHV.columns},
        "new_fee": "DOUBLE",
        "extra_count": "BIGINT",
        "note": "VARCHAR",
    }
