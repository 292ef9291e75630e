"""For-hire trips: a query for some rows of a month of fhv (bases) or hvfhv (Uber, Lyft).

Source of the columns' meaning: TLC trip record user guide and data dictionaries,
https://www.nyc.gov/site/tlc/about/tlc-trip-record-data.page
"""

from datetime import date

from sandbox.distributions import choice, near, pick, quantiles, uniforms
from sandbox.mobility.wall_clock import (
    clock_goes_back,
    end_on_the_wall,
    hour_weights,
    on_the_wall,
    start_seconds,
    wall_seconds,
)
from sandbox.mobility.zones import FOR_HIRE_PICKUPS, JFK, LA_GUARDIA
from sandbox.placement import Quirk, placed_rows

_HOURS = hour_weights("3.6 2.7 1.9 1.5 1.5 1.9 2.8 4.3 5.1 4.5 4.2 4.2 4.4 4.6 4.9 5.0 5.1 5.6 5.9 5.6 5.3 5.3 5.2 4.5")
_WEEKDAYS = (0.87, 0.93, 0.97, 1.02, 1.10, 1.16, 0.95)
_MINUTES = {0: 0.5, 0.05: 5, 0.25: 10, 0.5: 16, 0.75: 25, 0.95: 48, 0.99: 75, 1: 150}
_DRAWS = (
    "hour second minutes clock distance minutes_noise fare_noise zone_from zone_to kind_from kind_to base other_base"
    " blanks company wait scene toll airport tip shared access surcharge pay"
)

_FHV_QUIRKS = (
    Quirk("clock_change", 0, 2),
    Quirk("decades_ahead", 3e-6, 3),
    Quirk("long", 1e-3, 2),
    Quirk("blanks", 0.013, 5),
)
_HVFHV_QUIRKS = (Quirk("clock_change", 0, 2), Quirk("long", 1e-5, 2))


def fhv_query(month: date, key: int, rows: int, start: int, stop: int) -> str:
    """The query for rows `start` to `stop` of a file of so many rows of fhv."""
    base = "format('B{:05d}', 3 + 37 * floor(90 * u_base * u_base)::integer)"
    other_base = "format('B{:05d}', 1200 + 41 * floor(50 * u_other_base)::integer)"
    return f"""
with placed as ({placed_rows(start, stop, rows, _FHV_QUIRKS)}
),
{_timed(month, key, rows)},
based as (
    select
        *,
        -- some systems pad bases with blanks to the width of their field
        rpad({base}, if(quirk = 'blanks', 15, 6), ' ') as base,
        case
            when u_blanks < 0.006 then null
            when u_blanks < 0.68 then base
            else {other_base}
        end as affiliated
    from timed
)
select
    base as dispatching_base_num,
    make_timestamp(started * 1000000) as pickup_datetime,
    make_timestamp(
        1000000 * if(quirk = 'decades_ahead', ended + 86400 * (730 + 4200 * (quirk_number % 3)), ended)
    ) as "dropOff_datetime",
    {_fhv_zone("from", {"null": 32, "264": 30, "265": 2, "zone": 36})} as "PUlocationID",
    {_fhv_zone("to", {"null": 5.5, "264": 21, "265": 10, "zone": 63.5})} as "DOlocationID",
    null::integer as "SR_Flag",
    affiliated as "Affiliated_base_number"
from based"""


def _fhv_zone(end: str, kinds: dict[str, float]) -> str:
    zone = pick(f"u_zone_{end}", FOR_HIRE_PICKUPS)
    return choice(f"u_kind_{end}", {zone if kind == "zone" else kind: weight for kind, weight in kinds.items()})


def hvfhv_query(month: date, key: int, rows: int, start: int, stop: int) -> str:
    """The query for rows `start` to `stop` of a file of so many rows of hvfhv."""
    distance = {0: 0, 0.002: 0, 0.01: 0.3, 0.05: 0.75, 0.25: 1.6, 0.5: 3.0, 0.75: 6.2, 0.95: 16.3, 0.99: 25, 1: 60}
    fare = {0: 3, 0.05: 7.6, 0.25: 12, 0.5: 18.4, 0.75: 30, 0.95: 68, 0.99: 110, 1: 260}
    # Uber is HV0003, Lyft HV0005. Only Uber publishes which base took the call and when the car arrived.
    airport = f"if(u_company < 0.5, {JFK}, {LA_GUARDIA})"
    return f"""
with placed as ({placed_rows(start, stop, rows, _HVFHV_QUIRKS)}
),
{_timed(month, key, rows)},
measured as (
    select
        *,
        u_company < 0.74 as is_uber,
        round({quantiles("u_distance", distance)}, 2) as miles,
        round({quantiles("r_fare", fare)}, 2) as fare,
        if(u_distance > 0.85 and u_airport < 0.2, {airport}, {pick("u_zone_from", FOR_HIRE_PICKUPS)}) as zone_from,
        if(u_distance > 0.85 and u_airport > 0.75, {airport}, {pick("u_zone_to", FOR_HIRE_PICKUPS)}) as zone_to,
        30 + floor(600 * u_wait * u_wait)::bigint as wait,
        if(u_distance > 0.8 and u_toll < 0.3, 6.94, 0) as tolls
    from timed
)
select
    if(is_uber, 'HV0003', 'HV0005') as hvfhs_license_num,
    if(is_uber, 'B03404', 'B03406') as dispatching_base_num,
    if(is_uber, 'B03404', null) as originating_base_num,
    make_timestamp(1000000 * (started - wait - floor(120 * u_scene)::bigint)) as request_datetime,
    if(is_uber, make_timestamp(1000000 * (started - floor(120 * u_scene)::bigint)), null) as on_scene_datetime,
    make_timestamp(started * 1000000) as pickup_datetime,
    make_timestamp(ended * 1000000) as dropoff_datetime,
    zone_from as "PULocationID",
    zone_to as "DOLocationID",
    miles as trip_miles,
    seconds as trip_time,
    fare as base_passenger_fare,
    tolls,
    round(0.0275 * (fare + tolls), 2) as bcf,
    round(0.08875 * (fare + tolls), 2) as sales_tax,
    if(u_surcharge < 0.37, 2.75, 0) as congestion_surcharge,
    {_airport_fee(month)} as airport_fee,
    if(u_tip < 0.18, round(fare * (0.1 + u_tip), 2), 0) as tips,
    round(fare * (0.6 + 0.3 * u_pay), 2) as driver_pay,
    if(u_shared < 0.03, 'Y', 'N') as shared_request_flag,
    if(u_shared < 0.008, 'Y', 'N') as shared_match_flag,
    if(is_uber, ' ', 'N') as access_a_ride_flag,
    if(u_access < 0.002, 'Y', 'N') as wav_request_flag,
    if(u_access < 0.06, 'Y', 'N') as wav_match_flag,
    if(u_surcharge < 0.3, 1.5, 0) as cbd_congestion_fee
from measured"""


def _airport_fee(month: date) -> str:
    """Charged since 2021; the column is empty before."""
    if month < date(2021, 1, 1):
        return "null::double"
    return f"if(zone_from in ({JFK}, {LA_GUARDIA}) or zone_to in ({JFK}, {LA_GUARDIA}), 2.5, 0)"


def _timed(month: date, key: int, rows: int) -> str:
    """Draws and times of the placed rows: the queries `drawn` and `timed`."""
    ordinary = (
        f"{start_seconds(month, f'i / {rows}', _WEEKDAYS)} + 3600 * {pick('u_hour', _HOURS)}"
        " + floor(u_second * 3600)::bigint"
    )
    clock_back = clock_goes_back(month)
    odd = f"when quirk = 'clock_change' then {wall_seconds(clock_back) + 2 * 3600 - 600}" if clock_back else ""
    return f"""drawn as (
    select
        *,
        {uniforms("i", key, _DRAWS)}
    from placed
),
timed as (
    select
        *,
        {near("u_distance", "u_minutes_noise", 0.45)} as r_minutes,
        {near("u_distance", "u_fare_noise", 0.3)} as r_fare,
        case {odd} when true then {on_the_wall(month, f"({ordinary})")} end as started,
        case quirk
            when 'long' then 60 * 1300 + floor(u_minutes * 8000)::bigint
            when 'clock_change' then 900 + floor(u_minutes * 900)::bigint
            else round(60 * {quantiles("r_minutes", _MINUTES)})::bigint
        end as seconds,
        {end_on_the_wall(month, "started", "seconds", "if(quirk = 'clock_change', 0, u_clock)")} as ended
    from drawn
)"""
