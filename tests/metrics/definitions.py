"""Every governed metric once more, in plain SQL, written from its words and not from its declaration.

The view holds trips with what the definitions name, made of the calendar, the clock and the weather's measures: none of
the flags that the metrics count is taken from fct_trips, but outlier and refund.
"""

TRIPS_VIEW = """
    create temp view trips as
    with trips as (
        select
            trip_id, trip_type, rider_type, pickup_hour, pickup_date, passenger_count, trip_distance,
            trip_duration_minutes as minutes, total_amount, fare_amount, tip_amount, payment_type_id,
            rate_code_id, vendor_id, source_month,
            congestion_surcharge, cbd_congestion_fee, pickup_location_id, dropoff_location_id, start_station_id,
            not is_outlier and not is_refund as sane,
            is_refund as refund,
            hour(pickup_hour) as h,
            dayofweek(pickup_date) in (0, 6) as weekend
        from core_core.fct_trips
    ),

    weather as (
        select
            hour_timestamp,
            temperature_celsius as t,
            precipitation_mm as p,
            rain_mm as rain,
            snowfall_cm as snow,
            wind_speed_ms as wind,
            cloud_cover_pct as cloud,
            weather_category, temperature_category, precipitation_intensity,
            load_id is not null as loaded
        from core_core.dim_weather
    )

    select
        trips.*,
        weather.*,
        dates.day_name, dates.season,
        pickups.borough as pickup_borough, pickups.zone_name as pickup_zone, dropoffs.borough as dropoff_borough,
        stations.station_name as start_station_name,
        not weekend and not dates.is_holiday and (h between 7 and 9 or h between 17 and 19) as rush,
        not weekend and not dates.is_holiday and h between 9 and 16 as business,
        h = 23 or h < 5 as late,
        case
            when h in (6, 7, 8, 9, 10, 11) then 'morning'
            when h in (12, 13, 14, 15, 16, 17) then 'afternoon'
            when h in (18, 19, 20, 21) then 'evening'
            when h in (22, 23, 0, 1, 2, 3, 4, 5) then 'night'
        end as part,
        p > 5 or t < -5 or t > 35 or wind > 15 or snow > 1 as adverse,
        t >= 15 and t <= 25 and p = 0 and wind < 10 and cloud < 50 as pleasant,
        t >= 10 and t <= 25 and p = 0 and wind < 15 as cycling,
        count(*) over (partition by trips.pickup_hour, trip_type) as trips_in_its_hour
    from trips
    left join weather on trips.pickup_hour = weather.hour_timestamp
    left join core_core.dim_date as dates on trips.pickup_date = dates.date_day
    left join core_core.dim_location as pickups on trips.pickup_location_id = pickups.location_id
    left join core_core.dim_location as dropoffs on trips.dropoff_location_id = dropoffs.location_id
    left join core_core.dim_station as stations on trips.start_station_id = stations.station_id
"""

CORE = {
    "total_trips": "count(*)",
    "total_trip_distance_miles": "sum(trip_distance) filter (sane)",
    "avg_trip_distance_miles": "avg(trip_distance) filter (sane)",
    "total_trip_duration_hours": "sum(minutes) filter (sane) / 60",
    "avg_trip_duration_minutes": "avg(minutes) filter (sane)",
    "median_trip_duration_minutes": "median(minutes) filter (sane)",
    "avg_trip_speed_mph": """
        sum(trip_distance) filter (sane and trip_distance > 0 and minutes > 0)
        / (sum(minutes) filter (sane and trip_distance > 0 and minutes > 0) / 60)""",
    "total_passengers": "sum(passenger_count)",
    "avg_passengers_per_trip": "sum(passenger_count) / count(passenger_count)",
    "total_revenue": "sum(total_amount)",
    "avg_fare": "avg(total_amount) filter (total_amount > 0)",
    "revenue_per_mile": """
        sum(total_amount) filter (sane and total_amount > 0 and trip_distance is not null)
        / sum(trip_distance) filter (sane and total_amount > 0)""",
}

WEATHER = {
    "trips_in_adverse_weather": "count(*) filter (adverse)",
    "trips_in_pleasant_weather": "count(*) filter (pleasant)",
    "trips_in_rain": "count(*) filter (rain > 0)",
    "trips_in_snow": "count(*) filter (snow > 0)",
    "trips_in_cold_weather": "count(*) filter (t < 0)",
    "trips_in_mild_weather": "count(*) filter (t >= 10 and t < 20)",
    "trips_in_hot_weather": "count(*) filter (t >= 30)",
    "citibike_trips_good_cycling_weather": "count(*) filter (trip_type = 'citibike' and cycling)",
    "adverse_weather_trip_rate": "count(*) filter (adverse) / nullif(count(adverse), 0)",
    "rain_trip_rate": "count(*) filter (rain > 0) / nullif(count(rain), 0)",
    "snow_trip_rate": "count(*) filter (snow > 0) / nullif(count(snow), 0)",
    "avg_trip_duration_adverse_weather": "avg(minutes) filter (sane and adverse)",
    "avg_trip_duration_pleasant_weather": "avg(minutes) filter (sane and pleasant)",
}

MODES = {
    "yellow_taxi_trips": "count(*) filter (trip_type = 'yellow_taxi')",
    "fhv_trips": "count(*) filter (trip_type = 'fhv')",
    "citibike_trips": "count(*) filter (trip_type = 'citibike')",
    "yellow_taxi_mode_share_pct": "100 * count(*) filter (trip_type = 'yellow_taxi') / count(*)",
    "fhv_mode_share_pct": "100 * count(*) filter (trip_type = 'fhv') / count(*)",
    "citibike_mode_share_pct": "100 * count(*) filter (trip_type = 'citibike') / count(*)",
    "avg_yellow_taxi_fare": "avg(total_amount) filter (trip_type = 'yellow_taxi' and total_amount > 0)",
    "total_yellow_taxi_revenue": "sum(total_amount) filter (trip_type = 'yellow_taxi')",
    "avg_citibike_duration": "avg(minutes) filter (trip_type = 'citibike' and sane)",
    "avg_taxi_duration": "avg(minutes) filter (trip_type in ('yellow_taxi', 'green_taxi') and sane)",
    "rush_hour_yellow_taxi_trips": "count(*) filter (trip_type = 'yellow_taxi' and rush)",
    "rush_hour_citibike_trips": "count(*) filter (trip_type = 'citibike' and rush)",
    "weekend_citibike_trips": "count(*) filter (trip_type = 'citibike' and weekend)",
}

TIMES = {
    "rush_hour_trips": "count(*) filter (rush)",
    "weekend_trips": "count(*) filter (weekend)",
    "weekday_trips": "count(*) filter (dayofweek(pickup_date) between 1 and 5)",
    "late_night_trips": "count(*) filter (late)",
    "business_hours_trips": "count(*) filter (business)",
    "morning_trips": "count(*) filter (part = 'morning')",
    "afternoon_trips": "count(*) filter (part = 'afternoon')",
    "evening_trips": "count(*) filter (part = 'evening')",
    "night_trips": "count(*) filter (part = 'night')",
    "rush_hour_trip_rate": "count(*) filter (rush) / count(*)",
    "weekend_trip_rate": "count(*) filter (weekend) / count(*)",
    "late_night_trip_rate": "count(*) filter (late) / count(*)",
}

# The categories whose names, numbers and definitions are fixed.
FIXED = {
    "Core trip metrics": CORE,
    "Weather impact": WEATHER,
    "Mode share": MODES,
    "Time patterns": TIMES,
}

_BY_CARD = "payment_type_id = 1 and total_amount > 0"
_TIP_AND_FARE = f"{_BY_CARD} and tip_amount is not null and fare_amount is not null"

FURTHER = {
    "green_taxi_trips": "count(*) filter (trip_type = 'green_taxi')",
    "hvfhv_trips": "count(*) filter (trip_type = 'hvfhv')",
    "green_taxi_mode_share_pct": "100 * count(*) filter (trip_type = 'green_taxi') / count(*)",
    "hvfhv_mode_share_pct": "100 * count(*) filter (trip_type = 'hvfhv') / count(*)",
    "avg_green_taxi_fare": "avg(total_amount) filter (trip_type = 'green_taxi' and total_amount > 0)",
    "total_green_taxi_revenue": "sum(total_amount) filter (trip_type = 'green_taxi')",
    "avg_hvfhv_fare": "avg(total_amount) filter (trip_type = 'hvfhv' and total_amount > 0)",
    "total_hvfhv_revenue": "sum(total_amount) filter (trip_type = 'hvfhv')",
    "avg_hvfhv_duration": "avg(minutes) filter (trip_type = 'hvfhv' and sane)",
    "total_tips": "sum(tip_amount)",
    "avg_card_tip": f"avg(tip_amount) filter ({_BY_CARD})",
    "card_tip_pct_of_fare": f"""
        100 * sum(tip_amount) filter ({_TIP_AND_FARE}) / sum(fare_amount) filter ({_TIP_AND_FARE})""",
    "total_congestion_surcharge": "sum(congestion_surcharge)",
    "total_cbd_congestion_fee": "sum(cbd_congestion_fee)",
    "trips_with_cbd_congestion_fee": "count(*) filter (cbd_congestion_fee > 0 and not refund)",
    "cbd_congestion_fee_trip_rate": """
        count(*) filter (cbd_congestion_fee > 0 and not refund)
        / nullif(count(cbd_congestion_fee) filter (not refund), 0)""",
    "hours_with_trips": "count(distinct pickup_hour)",
    "avg_trips_per_hour": "count(*) / count(distinct pickup_hour)",
    "peak_hour_trips": "max(trips_in_its_hour)",
    "timed_trip_distance_miles": "sum(trip_distance) filter (sane and trip_distance > 0 and minutes > 0)",
    "timed_trip_duration_hours": "sum(minutes) filter (sane and trip_distance > 0 and minutes > 0) / 60",
    "paid_trip_revenue": "sum(total_amount) filter (sane and total_amount > 0 and trip_distance is not null)",
    "paid_trip_distance_miles": "sum(trip_distance) filter (sane and total_amount > 0)",
    "card_tips": f"sum(tip_amount) filter ({_TIP_AND_FARE})",
    "card_fares": f"sum(fare_amount) filter ({_TIP_AND_FARE})",
    "trips_of_hours": "count(*)",
}

DEFINITIONS = CORE | WEATHER | MODES | TIMES | FURTHER

# Metrics of fct_hourly_mobility, which know of no more than the hour and the type.
# Not an expression over trips: see test_weather_effect.py.
OF_WEATHER_EFFECT = (
    "hours_with_condition",
    "days_with_condition",
    "trips_with_condition",
    "trips_expected_without_condition",
    "weather_effect_pct",
    "weather_effect_margin_pct",
    "squared_trips_of_days",
    "squared_expected_trips_of_days",
    "trips_by_expected_trips_of_days",
)

OF_HOURS = {"hours_with_trips", "avg_trips_per_hour", "peak_hour_trips", "trips_of_hours"}


def _of_hour(category: str) -> str:
    return f"case when loaded then coalesce({category}, 'not measured') else 'no weather loaded' end"


# What trips can be grouped by beside time, and what it is in the view.
DIMENSIONS = {
    "trip__rider_type": "rider_type",
    "trip__is_in_month_of_file": "(strftime(pickup_date, '%Y-%m') = strftime(source_month, '%Y-%m'))",
    "trip__payment_type": """coalesce(
        map {0: 'Flex Fare', 1: 'Credit card', 2: 'Cash', 3: 'No charge', 4: 'Dispute', 5: 'Unknown', 6: 'Voided trip'}
        [payment_type_id], 'code ' || payment_type_id, 'not published')""",
    "trip__rate_code": """coalesce(
        map {
            1: 'Standard', 2: 'JFK', 3: 'Newark', 4: 'Nassau or Westchester', 5: 'Negotiated', 6: 'Group ride',
            99: 'Unknown'
        }[rate_code_id], 'code ' || rate_code_id, 'not published')""",
    "trip__vendor": """coalesce(
        map {1: 'Creative Mobile Technologies', 2: 'Curb Mobility', 6: 'Myle Technologies', 7: 'Helix'}[vendor_id],
        'code ' || vendor_id, 'not published')""",
    "trip__hour_of_day": "h",
    "time__day_part": "part",
    "date__day_name": "day_name",
    "date__season": "season",
    "pickup_location__borough": "pickup_borough",
    "pickup_location__zone_name": "pickup_zone",
    "dropoff_location__borough": "dropoff_borough",
    "start_station__station_name": "start_station_name",
    "weather__weather_category": _of_hour("weather_category"),
    "weather__temperature_category": _of_hour("temperature_category"),
    "weather__precipitation_intensity": _of_hour("precipitation_intensity"),
    "trip__is_rush_hour": "rush",
    "trip__is_weekend": "weekend",
    "trip__is_business_hours": "business",
    "trip__is_late_night": "late",
    "trip__is_adverse_weather": "adverse",
    "trip__is_pleasant_weather": "pleasant",
    "trip__is_good_cycling_weather": "cycling",
    "trip__is_rain": "(rain > 0)",
    "trip__is_snow": "(snow > 0)",
}
DIMENSIONS_OF_HOURS = {
    name: DIMENSIONS[name]
    for name in (
        "time__day_part",
        "date__day_name",
        "weather__temperature_category",
        "weather__precipitation_intensity",
    )
}
