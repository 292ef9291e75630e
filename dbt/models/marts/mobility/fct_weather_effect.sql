with

hourly as (

    select * from {{ ref('fct_hourly_mobility') }}

),

weather as (

    select
        hour_timestamp,
        date_day,
        {% for name, is_so in weather_conditions() -%}
        {{ is_so }} as is_{{ name }},
        {% endfor -%}
        hour_of_day
    from {{ ref('dim_weather') }}

),

dates as (

    select * from {{ ref('dim_date') }}

),

days_with_trips as (

    select distinct
        trip_type,
        pickup_date
    from hourly

),

-- Hours in which nobody travelled count, too: they may be what the weather did.
hours as (

    select
        days_with_trips.trip_type,
        days_with_trips.pickup_date,
        dates.month_start_date as pickup_month,
        weather.hour_of_day as pickup_hour_of_day,
        dates.is_working_day,
        {% for name, _ in weather_conditions() -%}
        weather.is_{{ name }},
        {% endfor -%}
        coalesce(hourly.trip_count, 0) as trip_count
    from days_with_trips
    inner join weather
        on days_with_trips.pickup_date = weather.date_day
    inner join dates
        on days_with_trips.pickup_date = dates.date_day
    left join hourly
        on weather.hour_timestamp = hourly.hour_timestamp
        and days_with_trips.trip_type = hourly.trip_type

),

conditions as (

    {% for name, _ in weather_conditions() -%}
    select
        '{{ name }}' as weather_condition,
        is_{{ name }} as has_condition,
        trip_type,
        pickup_date,
        pickup_month,
        pickup_hour_of_day,
        is_working_day,
        trip_count
    from hours
    {{ "union all" if not loop.last }}
    {% endfor %}
),

alike as (

    select
        weather_condition,
        trip_type,
        pickup_month,
        is_working_day,
        pickup_hour_of_day,
        avg(trip_count) as avg_trip_count
    from conditions
    where not has_condition
    group by weather_condition, trip_type, pickup_month, is_working_day, pickup_hour_of_day

),

compared as (

    select
        conditions.pickup_date,
        conditions.trip_type,
        conditions.weather_condition,
        conditions.pickup_month,
        count(*) as hour_count,
        cast(sum(conditions.trip_count) as bigint) as trip_count,
        {{ rounded('sum(alike.avg_trip_count)', 4) }} as expected_trip_count
    from conditions
    inner join alike
        on conditions.weather_condition = alike.weather_condition
        and conditions.trip_type = alike.trip_type
        and conditions.pickup_month = alike.pickup_month
        and conditions.is_working_day = alike.is_working_day
        and conditions.pickup_hour_of_day = alike.pickup_hour_of_day
    where conditions.has_condition
    group by conditions.pickup_date, conditions.trip_type, conditions.weather_condition, conditions.pickup_month

)

select * from compared
