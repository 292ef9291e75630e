"""What the feeds publish, and the trips in it under the names that all feeds share."""

from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import csv

TEXT, INTEGER, DOUBLE = pd.ArrowDtype(pa.string()), pd.ArrowDtype(pa.int32()), pd.ArrowDtype(pa.float64())
TIME, DAY = pd.ArrowDtype(pa.timestamp("us")), pd.ArrowDtype(pa.date32())

# The columns of trips that come from the files; none has all of them.
PUBLISHED = {
    "trip_type": TEXT,
    "vendor_id": INTEGER,
    "rate_code_id": INTEGER,
    "payment_type_id": INTEGER,
    "license_number": TEXT,
    "dispatching_base_number": TEXT,
    "pickup_location_id": INTEGER,
    "dropoff_location_id": INTEGER,
    "start_station_id": TEXT,
    "end_station_id": TEXT,
    "bike_type": TEXT,
    "rider_type": TEXT,
    "passenger_count": INTEGER,
    "trip_distance": DOUBLE,
    "fare_amount": DOUBLE,
    "tip_amount": DOUBLE,
    "tolls_amount": DOUBLE,
    "congestion_surcharge": DOUBLE,
    "cbd_congestion_fee": DOUBLE,
    "airport_fee": DOUBLE,
    "total_amount": DOUBLE,
    "pickup_datetime": TIME,
    "dropoff_datetime": TIME,
}

_CSV = csv.ConvertOptions(
    column_types={
        "started_at": pa.timestamp("us"),
        "ended_at": pa.timestamp("us"),
        # 6498.10 and 6498.1 would be one number.
        "start_station_id": pa.string(),
        "end_station_id": pa.string(),
    },
    null_values=["", "NULL", "null", r"\N", "NA", "NaN", "nan"],
    strings_can_be_null=True,
)


def read_published(feed: str, files: list[Path]) -> pd.DataFrame:
    """The rows of a month's files, with columns in lower case: capitals differ from month to month."""
    if feed == "citibike":
        # As pd.read_csv(engine="pyarrow") does it, which reads ids as numbers whatever it is told.
        tables = [csv.read_csv(file, convert_options=_CSV) for file in files]
        return pa.concat_tables(tables).to_pandas(types_mapper=pd.ArrowDtype)
    return pd.read_parquet(files[0], dtype_backend="pyarrow").rename(columns=str.lower)


def days_of_files(month: date) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Trips in a month's files begin from the first of these days until before the second."""
    first = pd.Timestamp(month)
    return first - pd.Timedelta(days=2), first + pd.DateOffset(months=1, days=2)


def published_trips(raw: Path, feed: str, month: date) -> pd.DataFrame:
    """The trips of a month's file that begin when they may, with all columns of PUBLISHED."""
    rows = pd.read_parquet(raw / feed / f"{month:%Y-%m}.parquet", dtype_backend="pyarrow")
    trips = FEEDS[feed](rows, *days_of_files(month))
    lacking = dict.fromkeys(PUBLISHED.keys() - set(trips), pd.NA)
    return trips.assign(**lacking)[list(PUBLISHED)].astype(PUBLISHED)


def _begun_within(trips: pd.DataFrame, first: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    is_kept = trips["pickup_datetime"].between(first, end, inclusive="left") & trips["dropoff_datetime"].notna()
    return trips[is_kept.fillna(False)]


def _yellow(raw: pd.DataFrame, first: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    names = {
        "vendorid": "vendor_id",
        "ratecodeid": "rate_code_id",
        "payment_type": "payment_type_id",
        "pulocationid": "pickup_location_id",
        "dolocationid": "dropoff_location_id",
        "tpep_pickup_datetime": "pickup_datetime",
        "tpep_dropoff_datetime": "dropoff_datetime",
    }
    return _begun_within(raw.rename(columns=names), first, end).assign(trip_type="yellow_taxi")


def _fhv(raw: pd.DataFrame, first: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    names = {
        "dispatching_base_num": "dispatching_base_number",
        "pulocationid": "pickup_location_id",
        "dolocationid": "dropoff_location_id",
    }
    trips = _begun_within(raw.rename(columns=names), first, end)
    return trips.assign(trip_type="fhv", dispatching_base_number=trips["dispatching_base_number"].str.strip(" "))


def _citibike(raw: pd.DataFrame, first: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Rides; a station without an id has that of the only one of its name in the month's files."""
    names = {
        "rideable_type": "bike_type",
        "member_casual": "rider_type",
        "started_at": "pickup_datetime",
        "ended_at": "dropoff_datetime",
    }
    is_repeated = raw["ride_id"].notna() & raw["ride_id"].str.strip(" ").duplicated()
    rides = _begun_within(raw.rename(columns=names)[~is_repeated], first, end)
    rides = rides.assign(
        trip_type="citibike",
        bike_type=_text(rides["bike_type"]),
        rider_type=_text(rides["rider_type"]).str.lower().replace({"subscriber": "member", "customer": "casual"}),
        start_station_id=_station_id(rides["start_station_id"]),
        start_station_name=_text(rides["start_station_name"]),
        end_station_id=_station_id(rides["end_station_id"]),
        end_station_name=_text(rides["end_station_name"]),
    )
    sides = ("start", "end")
    stations = pd.concat(
        rides[[f"{side}_station_name", f"{side}_station_id"]].set_axis(["name", "id"], axis="columns").drop_duplicates()
        for side in sides
    )
    stations = stations.dropna().drop_duplicates()
    ids = stations[~stations["name"].duplicated(keep=False)].set_index("name")["id"]
    for side in sides:
        lacks_id = rides[f"{side}_station_id"].isna()
        rides.loc[lacks_id, f"{side}_station_id"] = rides.loc[lacks_id, f"{side}_station_name"].map(ids)
    return rides


FEEDS = {"yellow": _yellow, "fhv": _fhv, "citibike": _citibike}


def _text(published: pd.Series) -> pd.Series:
    trimmed = published.str.strip(" ")
    return trimmed.mask(trimmed == "")


def _station_id(published: pd.Series) -> pd.Series:
    """The id; some files have lost the last zero of 6498.10."""
    ids = _text(published)
    return ids.mask(ids.str.fullmatch(r"[0-9]+\.[0-9]"), ids + "0")
