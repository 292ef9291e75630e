"""Yellow taxi trips as the files of 2009 and 2010 have them: places as coordinates, codes and times as text.

Each vendor wrote codes in its own way: `CASH` and `Cash` in 2009, `CAS` and `Cas` in 2010.
Source: TLC trip record data, https://www.nyc.gov/site/tlc/about/tlc-trip-record-data.page
"""

from datetime import date

_VENDOR = """case "VendorID" when 1 then 'CMT' when 2 then 'VTS' else 'DDS' end"""
_TIME = "'%Y-%m-%d %H:%M:%S'"


def old_yellow_query(month: date, current: str) -> str:
    """The query for the columns of 2009 or 2010, from one for today's columns."""
    return _of_2009(current) if month.year == 2009 else _of_2010(current)


def _of_2009(current: str) -> str:
    return f"""
select
    {_VENDOR} as vendor_name,
    strftime(tpep_pickup_datetime, {_TIME}) as "Trip_Pickup_DateTime",
    strftime(tpep_dropoff_datetime, {_TIME}) as "Trip_Dropoff_DateTime",
    coalesce(passenger_count, 1) as "Passenger_Count",
    trip_distance as "Trip_Distance",
    {_place("PULocationID", "Start_Lon", "Start_Lat")},
    null::double as "Rate_Code",
    -- only one vendor has the flag, as a number
    case when vendor_name = 'CMT' then if(store_and_fwd_flag = 'Y', 1, 0) end as store_and_forward,
    {_place("DOLocationID", "End_Lon", "End_Lat")},
    case
        when payment_type = 1 then if(vendor_name = 'DDS', 'CREDIT', 'Credit')
        when payment_type = 3 then 'No Charge'
        when payment_type = 4 then 'Dispute'
        when vendor_name = 'CMT' then 'Cash'
        else 'CASH'
    end as "Payment_Type",
    fare_amount as "Fare_Amt",
    extra as surcharge,
    null::double as mta_tax,
    tip_amount as "Tip_Amt",
    tolls_amount as "Tolls_Amt",
    total_amount as "Total_Amt"
from ({current}) as trips"""


def _of_2010(current: str) -> str:
    return f"""
select
    {_VENDOR} as vendor_id,
    strftime(tpep_pickup_datetime, {_TIME}) as pickup_datetime,
    strftime(tpep_dropoff_datetime, {_TIME}) as dropoff_datetime,
    coalesce(passenger_count, 1) as passenger_count,
    trip_distance,
    {_place("PULocationID", "pickup_longitude", "pickup_latitude")},
    coalesce("RatecodeID", 1)::varchar as rate_code,
    case when vendor_id = 'CMT' then coalesce(store_and_fwd_flag, 'N') end as store_and_fwd_flag,
    {_place("DOLocationID", "dropoff_longitude", "dropoff_latitude")},
    case
        when payment_type = 1 then if(vendor_id = 'CMT', 'Cre', 'CRE')
        when payment_type = 3 then 'No '
        when payment_type = 4 then 'Dis'
        when vendor_id = 'CMT' then 'Cas'
        else 'CAS'
    end as payment_type,
    fare_amount,
    extra as surcharge,
    mta_tax,
    tip_amount,
    tolls_amount,
    total_amount
from ({current}) as trips"""


def _place(zone: str, longitude: str, latitude: str) -> str:
    """Coordinates in or near Manhattan for a zone; zero where the meter had none."""
    has_none = f'"{zone}" in (264, 265)'
    return (
        f'if({has_none}, 0, round(-74.012 + 0.0004 * ("{zone}" * 37 % 263), 6)) as "{longitude}",\n'
        f'    if({has_none}, 0, round(40.702 + 0.0004 * ("{zone}" * 101 % 263), 6)) as "{latitude}"'
    )
