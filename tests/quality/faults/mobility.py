"""Ways to break the sample of mobility: two months, of which the second is broken."""

# Faults of one file: the others are as they were.
OF_FEBRUARY = "source_month = date '2025-02-01'"

FAULTS: dict[str, dict[str, str]] = {
    "stg_tlc__yellow_taxi": {
        "fare_amount_in_range": f"update raw_data.yellow_taxi set fare_amount = fare_amount * 1000 where {OF_FEBRUARY}",
        "fare_amount_mean": f"update raw_data.yellow_taxi set fare_amount = fare_amount / 10 where {OF_FEBRUARY}",
        "fare_amount_mean_against_month_before": (
            f"update raw_data.yellow_taxi set fare_amount = fare_amount * 1.5 where {OF_FEBRUARY}"
        ),
        "source_row_unique": f"insert into raw_data.yellow_taxi from raw_data.yellow_taxi where {OF_FEBRUARY}",
        "row_count_against_month_before": f"delete from raw_data.yellow_taxi where {OF_FEBRUARY} and source_row > 900",
        "passenger_count_not_null": f"update raw_data.yellow_taxi set passenger_count = null where {OF_FEBRUARY}",
        "passenger_count_null_share_against_month_before": (
            "update raw_data.yellow_taxi set passenger_count = null, ratecode_id = null"
            f" where {OF_FEBRUARY} and source_row % 3 = 0"
        ),
        "pickup_in_source_month": (
            "update raw_data.yellow_taxi set tpep_pickup_datetime = tpep_pickup_datetime + interval 1 month"
            f" where {OF_FEBRUARY}"
        ),
        "dropoff_after_pickup": (
            "update raw_data.yellow_taxi"
            " set tpep_dropoff_datetime = tpep_pickup_datetime - interval 9 minutes"
            f" where {OF_FEBRUARY} and source_row % 50 = 0"
        ),
        "miles_and_minutes_agree": (
            f"update raw_data.yellow_taxi set trip_distance = trip_distance * 30 where {OF_FEBRUARY}"
        ),
        "numbers_are_finite": (
            f"update raw_data.yellow_taxi set total_amount = 'nan' where {OF_FEBRUARY} and source_row = 7"
        ),
        "payment_type_id_known": (
            f"update raw_data.yellow_taxi set payment_type = 77 where {OF_FEBRUARY} and source_row % 20 = 0"
        ),
        "total_not_below_fare": f"update raw_data.yellow_taxi set total_amount = tip_amount where {OF_FEBRUARY}",
    },
    "stg_tlc__green_taxi": {
        "numbers_are_finite": (
            f"update raw_data.green_taxi set congestion_surcharge = '-inf' where {OF_FEBRUARY} and source_row = 7"
        ),
        "hail_type_id_known": f"update raw_data.green_taxi set trip_type = 9 where {OF_FEBRUARY}",
        "pickup_location_id_in_range": (
            f"update raw_data.green_taxi set pu_location_id = pu_location_id + 1000 where {OF_FEBRUARY}"
        ),
    },
    "stg_tlc__fhv_taxi": {
        "dispatching_base_number_well_formed": (
            f"update raw_data.fhv_taxi set dispatching_base_num = substr(dispatching_base_num, 2) where {OF_FEBRUARY}"
        ),
        "dropoff_datetime_not_null": f"update raw_data.fhv_taxi set dropoff_datetime = null where {OF_FEBRUARY}",
    },
    "stg_tlc__hvfhv_taxi": {
        "numbers_are_finite": (
            f"update raw_data.hvfhv_taxi set base_passenger_fare = 'nan' where {OF_FEBRUARY} and source_row = 7"
        ),
        "license_number_known": f"update raw_data.hvfhv_taxi set hvfhs_license_num = 'HV0099' where {OF_FEBRUARY}",
        "duration_as_published": (
            f"update raw_data.hvfhv_taxi set dropoff_datetime = dropoff_datetime + interval 1 hour where {OF_FEBRUARY}"
        ),
    },
    "stg_citibike__trips": {
        "station_id_is_text": (
            "update raw_data.citibike_trips set start_station_id = cast(random() * 1000 as varchar)"
            f" where {OF_FEBRUARY}"
        ),
        "ride_id_well_formed": (f"update raw_data.citibike_trips set ride_id = substr(ride_id, 5) where {OF_FEBRUARY}"),
        "numbers_are_finite": (
            f"update raw_data.citibike_trips set end_lng = 'inf' where {OF_FEBRUARY} and source_row = 7"
        ),
        "start_latitude_in_range": (
            f"update raw_data.citibike_trips set start_lat = start_lng, start_lng = start_lat where {OF_FEBRUARY}"
        ),
    },
    "stg_weather__hourly": {
        "hours_of_the_month": (
            f"delete from raw_data.weather_hourly where {OF_FEBRUARY} and source_row between 100 and 130"
        ),
        "hour_unique": f"insert into raw_data.weather_hourly from raw_data.weather_hourly where {OF_FEBRUARY} limit 1",
        "temperature_mean": (
            f"update raw_data.weather_hourly set temperature_2m = temperature_2m * 1.8 + 32 where {OF_FEBRUARY}"
        ),
        "wind_speed_mean": (
            f"update raw_data.weather_hourly set wind_speed_10m = wind_speed_10m * 3.6 where {OF_FEBRUARY}"
        ),
        "temperature_celsius_not_null": (
            f"update raw_data.weather_hourly set temperature_2m = null where {OF_FEBRUARY} and source_row < 24"
        ),
    },
    "stg_tlc__taxi_zones": {
        "source_row_unique": "insert into raw_data.taxi_zone_shapes from raw_data.taxi_zone_shapes limit 1",
        "shapes": "delete from raw_data.taxi_zone_shapes where source_row % 2 = 0",
        "zones": "update raw_data.taxi_zone_shapes set location_id = 1 where source_row < 20",
        "location_id_not_null": "update raw_data.taxi_zone_shapes set location_id = null where source_row = 7",
        "zone_name_not_null": "update raw_data.taxi_zone_shapes set zone = null where source_row = 7",
        "borough_not_null": "update raw_data.taxi_zone_shapes set borough = null where source_row = 7",
        "location_id_in_range": "update raw_data.taxi_zone_shapes set location_id = -7 where source_row = 7",
        "borough_known": "update raw_data.taxi_zone_shapes set borough = 'Jersey' where source_row = 7",
        "geometry_is_a_multipolygon": (
            "update raw_data.taxi_zone_shapes set geometry = left(geometry, 100) where source_row = 7"
        ),
        "within_the_region": (
            """update raw_data.taxi_zone_shapes
            set geometry = '{"type":"MultiPolygon","coordinates":[[[[40.7,-74],[40.8,-74],[40.8,-73],[40.7,-74]]]]}'
            where source_row = 7"""
        ),
    },
    "dim_date": {
        "dates_without_gap": "delete from core_core.dim_date where date_day = date '2025-01-20'",
    },
    "dim_time": {
        "row_count": "delete from core_core.dim_time where hour_of_day = 3",
    },
    "dim_location": {
        "unknown_zone_is_there": "delete from core_core.dim_location where location_id = 264",
    },
    "dim_zone_shape": {
        "location_id_unique": "insert into core_core.dim_zone_shape from core_core.dim_zone_shape limit 1",
        "location_id_in_range": "update core_core.dim_zone_shape set location_id = 999 where location_id = 7",
        "every_shape_is_in_a_zone": "delete from core_core.dim_zone_shape",
        "every_zone_is_shown": "delete from core_core.dim_zone_shape where location_id = 56",
        "geojson_is_a_multipolygon": (
            "update core_core.dim_zone_shape set geojson = left(geojson, 100) where location_id = 7"
        ),
    },
    "dim_station": {
        "station_id_unique": "insert into core_core.dim_station from core_core.dim_station limit 1",
    },
    "dim_weather": {
        "fahrenheit_is_of_celsius": "update core_core.dim_weather set temperature_fahrenheit = temperature_celsius",
    },
    "fct_trips": {
        "trip_id_not_null": (
            "create or replace table core_core.fct_trips as select * replace "
            "(case when trip_type = 'fhv' then null else trip_id end as trip_id)"
            " from core_core.fct_trips"
        ),
    },
    "fct_trips_by_file": {
        "sane_is_neither_outlier_nor_refund": "update core_core.fct_trips set is_sane = true",
        "dropoff_not_before_pickup": (
            "update core_core.fct_trips set dropoff_datetime = pickup_datetime - interval 1 minute"
            " where trip_id % 100 = 0"
        ),
        "one_load": (
            "update core_core.fct_trips set load_id = 'another'"
            f" where {OF_FEBRUARY} and feed = 'yellow' and trip_id % 2 = 0"
        ),
        "weather_known": (
            f"update core_core.fct_trips set temperature_celsius = null where {OF_FEBRUARY} and feed = 'yellow'"
        ),
        "trip_distance_in_range": (
            f"update core_core.fct_trips set trip_distance = 1e5 where {OF_FEBRUARY} and feed = 'green'"
        ),
        "night_share": f"update core_core.fct_trips set pickup_hour_of_day = 3 where {OF_FEBRUARY} and feed = 'yellow'",
        "days_with_trips": (
            "delete from core_core.fct_trips"
            f" where {OF_FEBRUARY} and feed = 'yellow' and pickup_date > date '2025-02-20'"
        ),
    },
    "fct_hourly_mobility": {
        "hour_and_type_unique": "insert into core_core.fct_hourly_mobility from core_core.fct_hourly_mobility limit 1",
        "mode_shares_add_up": (
            "update core_core.fct_hourly_mobility set mode_share_pct = mode_share_pct / 2 where trip_type = 'fhv'"
        ),
        "sane_trips_within_trips": "update core_core.fct_hourly_mobility set trip_count = 1",
    },
    "fct_weather_effect": {
        "date_type_and_condition_unique": (
            "insert into core_core.fct_weather_effect from core_core.fct_weather_effect limit 1"
        ),
        "weather_condition_known": "update core_core.fct_weather_effect set weather_condition = 'fog'",
        "hour_count_in_range": "update core_core.fct_weather_effect set hour_count = 25",
        "expected_trip_count_in_range": "update core_core.fct_weather_effect set expected_trip_count = -1",
        "month_is_of_the_date": "update core_core.fct_weather_effect set pickup_month = date '2000-01-01'",
        "trips_within_those_of_the_day": "update core_core.fct_weather_effect set trip_count = trip_count + 100000",
        "effect_is_plausible": "update core_core.fct_weather_effect set expected_trip_count = 100000, hour_count = 24",
    },
    "reconciliation": {
        "rows_as_loaded": f"delete from raw_data.yellow_taxi where {OF_FEBRUARY} and source_row = 7",
        "rows_lost": f"delete from core_core.fct_trips where {OF_FEBRUARY} and feed = 'green' and trip_id % 50 = 0",
        "rows_not_built": (
            "update meta.asset_watermarks set load_id = 'newer' where asset = 'green' and partition_key = '2025-02'"
        ),
    },
}
