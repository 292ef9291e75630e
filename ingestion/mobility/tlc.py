"""The TLC: a Parquet file for each month of yellow and green taxis, for-hire bases, and Uber and Lyft.

Timestamps are New York wall-clock time without a zone and stay so.

Source: TLC trip record data, https://www.nyc.gov/site/tlc/about/tlc-trip-record-data.page
"""

from datetime import date

from ingestion.feeds import Feed, FormerSchema, columns
from ingestion.fetch.http_publisher import HttpPublisher
from ingestion.readers.parquet import read_parquet


class Tlc(HttpPublisher):
    """The New York City Taxi and Limousine Commission (TLC)."""

    name = "tlc"
    default_base_url = "https://d37ci6vzurychx.cloudfront.net/trip-data"
    read = staticmethod(read_parquet)


TLC = Tlc()

# In 2009 and 2010, places were coordinates instead of zones, and codes were text. Those are kept under other names.
_YELLOW_UNTIL_2011 = FormerSchema(
    until=date(2011, 1, 1),
    raw_names=(
        ("vendor_id", "vendor_name"),
        ("payment_type", "payment_type_name"),
        ("Trip_Pickup_DateTime", "tpep_pickup_datetime"),
        ("pickup_datetime", "tpep_pickup_datetime"),
        ("Trip_Dropoff_DateTime", "tpep_dropoff_datetime"),
        ("dropoff_datetime", "tpep_dropoff_datetime"),
        ("passenger_count", "passenger_count"),
        ("trip_distance", "trip_distance"),
        ("rate_code", "ratecode_id"),
        ("store_and_forward", "store_and_fwd_flag"),
        ("Fare_Amt", "fare_amount"),
        ("fare_amount", "fare_amount"),
        ("surcharge", "extra"),
        ("Tip_Amt", "tip_amount"),
        ("Tolls_Amt", "tolls_amount"),
        ("Total_Amt", "total_amount"),
        ("total_amount", "total_amount"),
    ),
)


FEEDS = (
    Feed(
        name="yellow",
        publisher=TLC,
        raw_table="yellow_taxi",
        file_names=("yellow_tripdata_{period:%Y-%m}.parquet",),
        columns=columns(
            required="vendor_id:i tpep_pickup_datetime:t tpep_dropoff_datetime:t passenger_count:i"
            " trip_distance:d ratecode_id:i store_and_fwd_flag:s pu_location_id:i do_location_id:i payment_type:i"
            " fare_amount:d extra:d mta_tax:d tip_amount:d tolls_amount:d improvement_surcharge:d total_amount:d",
            optional="congestion_surcharge:d airport_fee:d cbd_congestion_fee:d",
        ),
        event_time="tpep_pickup_datetime",
        first_day=date(2009, 1, 1),
        publication_lag_days=61,
        former_schema=_YELLOW_UNTIL_2011,
        kind="trip",
        staging_model="stg_tlc__yellow_taxi",
        kept_in="fct_trips",
        quarantined_in="quarantined_trips",
        code=1,
    ),
    Feed(
        name="green",
        publisher=TLC,
        raw_table="green_taxi",
        file_names=("green_tripdata_{period:%Y-%m}.parquet",),
        columns=columns(
            required="vendor_id:i lpep_pickup_datetime:t lpep_dropoff_datetime:t store_and_fwd_flag:s ratecode_id:i"
            " pu_location_id:i do_location_id:i passenger_count:i trip_distance:d fare_amount:d extra:d mta_tax:d"
            " tip_amount:d tolls_amount:d improvement_surcharge:d total_amount:d payment_type:i",
            optional="ehail_fee:d trip_type:i congestion_surcharge:d cbd_congestion_fee:d",
        ),
        event_time="lpep_pickup_datetime",
        first_day=date(2013, 8, 1),
        publication_lag_days=61,
        kind="trip",
        staging_model="stg_tlc__green_taxi",
        kept_in="fct_trips",
        quarantined_in="quarantined_trips",
        code=2,
    ),
    Feed(
        name="fhv",
        publisher=TLC,
        raw_table="fhv_taxi",
        file_names=("fhv_tripdata_{period:%Y-%m}.parquet",),
        columns=columns(
            required="dispatching_base_num:s pickup_datetime:t dropoff_datetime:t pu_location_id:i do_location_id:i",
            optional="sr_flag:i affiliated_base_number:s",
        ),
        event_time="pickup_datetime",
        first_day=date(2015, 1, 1),
        publication_lag_days=61,
        kind="trip",
        staging_model="stg_tlc__fhv_taxi",
        kept_in="fct_trips",
        quarantined_in="quarantined_trips",
        code=3,
    ),
    Feed(
        name="hvfhv",
        publisher=TLC,
        raw_table="hvfhv_taxi",
        file_names=("fhvhv_tripdata_{period:%Y-%m}.parquet",),
        columns=columns(
            required="hvfhs_license_num:s dispatching_base_num:s pickup_datetime:t dropoff_datetime:t"
            " pu_location_id:i do_location_id:i trip_miles:d trip_time:i base_passenger_fare:d tolls:d bcf:d"
            " sales_tax:d tips:d driver_pay:d",
            optional="originating_base_num:s request_datetime:t on_scene_datetime:t congestion_surcharge:d"
            " airport_fee:d shared_request_flag:s shared_match_flag:s access_a_ride_flag:s wav_request_flag:s"
            " wav_match_flag:s cbd_congestion_fee:d",
        ),
        event_time="pickup_datetime",
        first_day=date(2019, 2, 1),
        publication_lag_days=61,
        is_default=False,
        kind="trip",
        staging_model="stg_tlc__hvfhv_taxi",
        kept_in="fct_trips",
        quarantined_in="quarantined_trips",
        code=4,
    ),
)
