"""Yellow and green taxi trips: a query for some rows of a month, with the quirks seen in real files.

The last rows of a file are a block in which passenger count, rate code, flag and congestion surcharge are all null.
Quirks are placed in the rows before it.
Source of the columns' meaning: TLC trip record user guide and data dictionaries,
https://www.nyc.gov/site/tlc/about/tlc-trip-record-data.page
"""

from datetime import date

from sandbox.distributions import choice, near, pick, quantiles, uniforms
from sandbox.mobility.months import next_month
from sandbox.mobility.taxi_profiles import TaxiProfile
from sandbox.mobility.tlc_schemas import CONGESTION_FEE_FROM
from sandbox.mobility.wall_clock import (
    clock_goes_back,
    end_on_the_wall,
    on_the_wall,
    start_seconds,
    wall_seconds,
)
from sandbox.mobility.zones import JFK, LA_GUARDIA
from sandbox.placement import placed_rows

_DRAWS = (
    "hour second minutes clock distance minutes_noise fare_noise zone_from zone_to airport airport_zone vendor"
    " payment passengers extra toll tip surcharge zone_fee rate flag flex cents outlier"
)


def taxi_query(profile: TaxiProfile, month: date, key: int, rows: int, start: int, stop: int) -> str:
    """The query for rows `start` to `stop` of a file of so many rows; the columns of every era."""
    is_2025 = month >= CONGESTION_FEE_FROM
    null_share = profile.null_share_from_2025 if is_2025 else profile.null_share_before_2025
    metered = round(rows * (1 - null_share)) // 2 * 2
    return f"""
with placed as ({placed_rows(start, stop, metered, profile.quirks)}
),
keyed as (
    select
        *,
        i < {metered} as is_metered,
        -- a refund is the row of its charge with the opposite sign
        if(quirk = 'refund', i + 1, i) as k,
        if(quirk = 'refund', -1.0::double, 1.0::double) as sign
    from placed
),
drawn as (
    select
        *,
        {uniforms("k", key, _DRAWS)}
    from keyed
),
ranked as (
    select
        *,
        {near("u_distance", "u_minutes_noise", 0.45)} as r_minutes,
        {near("u_distance", "u_fare_noise", 0.2)} as r_fare,
        if(is_metered, k / {metered}, (k - {metered}) / {rows - metered}) as position
    from drawn
),
measured as (
    select *, {_measures(profile, month)}
    from ranked
),
charged as (
    select *, {_charges(profile, month)}
    from measured
),
summed as (
    select *, {_total(profile)}
    from charged
)
select {_published(profile)}
from summed"""


def _measures(profile: TaxiProfile, month: date) -> str:
    """Times, distance, zones and codes."""
    day = start_seconds(month, "position", profile.weekday_weights)
    clock_back = clock_goes_back(month) or month
    # Late in the first of the two hours, so that the trip ends in the second.
    before_change = wall_seconds(clock_back) + 2 * 3600 - 300
    first, end = wall_seconds(month), wall_seconds(next_month(month))
    ordinary = f"{day} + 3600 * {pick('u_hour', profile.hour_weights)} + floor(u_second * 3600)::bigint"
    odd_months = f"""case
            when quirk = 'out_of_month' and quirk_number = 0 then {wall_seconds(date(2009, 1, 1))}
            when quirk = 'out_of_month' and quirk_number = 1 then {wall_seconds(date(2002, 10, 24))}
            when quirk = 'out_of_month' and quirk_number = 2 then {first - 45 * 86400}
            when quirk = 'out_of_month' and quirk_number % 2 = 1 then {first - 1800}
            when quirk = 'out_of_month' then {end}
            {f"when quirk = 'clock_change' then {before_change - 1200}" if clock_goes_back(month) else ""}
        end"""
    started = f"coalesce({odd_months} + floor(u_second * 1500)::bigint, {on_the_wall(month, f'({ordinary})')})"
    seconds = f"""case quirk
            when 'long' then 60 * 1380 + floor(u_minutes * 3560)::bigint
            when 'clock_change' then 1500 + floor(u_minutes * 900)::bigint
            when 'backwards' then -60 - floor(u_minutes * 3000)::bigint
            else round(60 * {quantiles("r_minutes", profile.minutes)})::bigint
        end"""
    rank = "if(quirk = 'clock_change', 0, u_clock)"
    is_far = "(quirk = 'far' or (not is_metered and u_outlier < 0.0002))"
    airport = f"if(u_airport_zone < 0.57, {JFK}, {LA_GUARDIA})"
    is_long = "u_distance > 0.9"
    from_airport = 0.1 if profile.is_green else 0.6
    people = {"1": 80, "2": 13.5, "3": 3.2, "4": 1.8, "0": 0.7, "5": 0.5, "6": 0.3}
    return f"""
        {started} as started,
        {seconds} as seconds,
        {end_on_the_wall(month, "started", "seconds", rank)} as ended,
        case
            when {is_far} then round(1000 + 345000 * u_outlier, 2)
            when pair_quirk = 'refund' and u_outlier < 0.3 then 0.0
            else round({quantiles("u_distance", profile.distance)}, 2)
        end as distance,
        if({is_long} and u_airport < {from_airport}, {airport}, {pick("u_zone_from", profile.zones)}) as zone_from,
        if({is_long} and u_airport > 0.75, {airport}, {pick("u_zone_to", profile.zones)}) as zone_to,
        {choice("u_vendor", profile.vendors)} as drawn_vendor,
        -- only vendors 2 and 6 write a row of its own for a refund
        if(pair_quirk = 'refund', 2, drawn_vendor) as vendor,
        case
            when not is_metered then {"null" if profile.is_green else "0"}
            when pair_quirk = 'refund' then {choice("u_payment", {"4": 60, "2": 25, "3": 15})}
            else {choice("u_payment", profile.payments)}
        end as payment,
        if(is_metered, {choice("u_passengers", people)}, null) as passengers,
        case
            when not is_metered then null
            when r_fare between 0.965 and 0.9905 and not {str(profile.is_green).lower()} then 2
            when u_rate < 0.012 then 99
            when u_rate < {0.05 if profile.is_green else 0.019} then 5
            when u_rate < {0.052 if profile.is_green else 0.0215} then 4
            when u_rate < {0.053 if profile.is_green else 0.024} then 3
            else 1
        end as rate_code"""


def _charges(profile: TaxiProfile, month: date) -> str:
    """Fare, extras, tip and fees. They are positive here; refunds change the sign later."""
    is_2023 = month >= date(2023, 1, 1)
    rush, night = (2.5, 1.0) if is_2023 else (1.0, 0.5)
    congestion = 2.75 if profile.is_green else 2.5
    fare = quantiles("r_fare", profile.fare)
    tip = f"least(fare, 24 + 0.4 * (fare - 24)) * ({quantiles('u_tip', profile.tip_share)})"
    has_fee = f"u_zone_fee < 0.72 and {str(month >= CONGESTION_FEE_FROM).lower()}"
    return f"""
        case
            -- trips by app at an agreed price: to the cent, and some written as a negative fare
            when not is_metered and u_flex < {0.003 if profile.is_green else 0.16} then -round(u_cents * 11.7, 2)
            when not is_metered then round({fare}, 2)
            when rate_code = 2 then 70.0
            else round(3 + 0.7 * round((({fare}) - 3) / 0.7), 2)
        end as fare,
        case
            when not is_metered then if(u_extra < 0.8, 0, {rush})
            when hour(make_timestamp(started * 1000000)) between 16 and 19 then if(u_extra < 0.75, {rush}, 0)
            when hour(make_timestamp(started * 1000000)) not between 6 and 19 then {night}
            else 0
        end as base_extra,
        {1.0 if is_2023 else 0.3} as improvement,
        if(u_surcharge < {profile.has_surcharge}, {congestion}, 0) as surcharge,
        if(zone_from in ({JFK}, {LA_GUARDIA}), {1.75 if is_2023 else 1.25}, 0) as airport_fee,
        if({has_fee}, 0.75, 0) as zone_fee,
        -- people tip a smaller share of a long trip
        if(payment = 1, round({tip}, 2), 0) as tip,
        if(u_distance > 0.9 and u_toll < 0.4, 6.94, 0) as tolls"""


def _total(profile: TaxiProfile) -> str:
    """The total and the published extra, which do not always agree with the other components.

    Vendor 1 counts its surcharges a second time in `extra`. The null block has a congestion surcharge in the total
    that is missing from its own column.
    """
    airport_fee = "0" if profile.is_green else "airport_fee"
    return f"""
        if(is_metered and vendor = 1, base_extra + surcharge + zone_fee + {airport_fee}, base_extra) as extra,
        case
            when not is_metered and fare < 0 then round(2 + 10 * u_cents, 2)
            else round(
                fare + base_extra + 0.5 + tip + tolls + improvement + surcharge + zone_fee
                + if(is_metered, {airport_fee}, 0),
                2
            )
        end as total"""


def _signed(amount: str) -> str:
    """An amount with the row's sign. Zero stays zero, not minus zero."""
    return f"if({amount} = 0, 0, sign * {amount})"


def _published(profile: TaxiProfile) -> str:
    """The select list with published names; the writer keeps the columns that the month has."""
    return f"""
    vendor as "VendorID",
    make_timestamp(started * 1000000) as "{profile.pickup_column}",
    make_timestamp(ended * 1000000) as "{profile.dropoff_column}",
    passengers as passenger_count,
    distance as trip_distance,
    rate_code as "RatecodeID",
    if(is_metered, if(u_flag < 0.004, 'Y', 'N'), null) as store_and_fwd_flag,
    zone_from as "PULocationID",
    zone_to as "DOLocationID",
    payment as payment_type,
    {_signed("fare")} as fare_amount,
    {_signed("extra")} as extra,
    {_signed("0.5")} as mta_tax,
    {_signed("tip")} as tip_amount,
    {_signed("tolls")} as tolls_amount,
    null::double as ehail_fee,
    {_signed("improvement")} as improvement_surcharge,
    {_signed("total")} as total_amount,
    if(is_metered, if(rate_code = 5 and u_flag < 0.95, 2, 1), null) as trip_type,
    if(is_metered, {_signed("surcharge")}, null) as congestion_surcharge,
    if(is_metered, {_signed("airport_fee")}, null) as airport_fee,
    {_signed("zone_fee")} as cbd_congestion_fee"""
