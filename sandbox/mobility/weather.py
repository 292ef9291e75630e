"""Hourly weather of a New York climate, the same for an hour whatever window is asked for.

Each hour's weather is a function of the hour alone: seasonal and daily means, plus noise that is smooth over hours,
days and weeks. Weather codes are the WMO codes of the archive (0-3 clear to overcast, 51-55 drizzle, 61-65 rain, 71-75
snow).
Source of the variables: Open-Meteo historical weather API, https://open-meteo.com/en/docs/historical-weather-api
"""

from datetime import date

import duckdb
import pyarrow as pa

from sandbox.distributions import first_key, hashed

# The variable, and its unit as the archive writes it.
VARIABLES = {
    "temperature_2m": "°C",
    "relative_humidity_2m": "%",
    "dew_point_2m": "°C",
    "apparent_temperature": "°C",
    "precipitation": "mm",
    "rain": "mm",
    "snowfall": "cm",
    "snow_depth": "m",
    "weather_code": "wmo code",
    "surface_pressure": "hPa",
    "cloud_cover": "%",
    "wind_speed_10m": "km/h",
    "wind_direction_10m": "°",
    "wind_gusts_10m": "km/h",
}
WIND_VARIABLES = ("wind_speed_10m", "wind_gusts_10m")
# The unit asked for, its published name, and how many of them are one m/s.
WIND_UNITS = {"kmh": ("km/h", 3.6), "ms": ("m/s", 1.0), "mph": ("mp/h", 2.2369363), "kn": ("kn", 1.9438445)}

# Snow that fell longer ago is gone.
_SNOW_MEMORY_HOURS = 240

_KEY = first_key(0, 0, 0) + 1_000_003
_WAVES = ("air", "front", "wet", "shower", "cloud", "wind", "gust", "veer", "press", "damp")


def hourly(first: date, last: date, *, wind_unit: str = "kmh") -> dict[str, list[object]]:
    """`time` and every variable for each hour (UTC) from the first day to the last."""
    with duckdb.connect() as connection:
        made: pa.Table = connection.sql(_query(first, last, WIND_UNITS[wind_unit][1])).to_arrow_table()
    columns: dict[str, list[object]] = made.to_pydict()
    return columns


def _noise(hour: str, wave: str, length: int) -> str:
    """Noise in [-1, 1] that is smooth over about so many hours: random values, joined by an S-curve."""
    draw = _WAVES.index(wave)
    before, after = (
        f"(({hashed(f'({hour} // {length} + {step}) * 1009 + {length}', _KEY, draw)} >> 11) * {2.0**-52!r} - 1)"
        for step in (0, 1)
    )
    part = f"(({hour} % {length}) / {length})"
    return f"({before} + ({after} - {before}) * {part} * {part} * (3 - 2 * {part}))"


def _query(first: date, last: date, wind_factor: float) -> str:
    start = (first - date(1940, 1, 1)).days * 24
    stop = ((last - date(1940, 1, 1)).days + 1) * 24
    return f"""
with hours as (
    -- counted from 1940, where the archive begins; the clock shows New York's standard time
    select
        range as hour,
        timestamp '1940-01-01' + to_hours(range) as utc,
        utc - interval 5 hours as standard_time,
        cos(2 * pi() * (dayofyear(standard_time) - 205) / 365.25) as summer,
        cos(2 * pi() * (hour(standard_time) - 15) / 24) as afternoon
    from range({start - _SNOW_MEMORY_HOURS}, {stop})
),
sky as (
    select
        *,
        0.75 * {_noise("hour", "wet", 31)} + 0.4 * {_noise("hour", "shower", 5)} as wetness,
        greatest(0, wetness - 0.46) as storm,
        round(if(storm > 0, 11 * storm * sqrt(storm) * (1.2 + 0.5 * summer), 0), 1) as water,
        round(least(100, greatest(0, 52 + 70 * {_noise("hour", "cloud", 17)} + 60 * wetness)))::integer as cloud_cover
    from hours
),
air as (
    select
        *,
        round(
            12.6 + 12.4 * summer
            + (2.6 + 1.2 * summer) * afternoon * (1 - cloud_cover / 180)
            + 4.2 * {_noise("hour", "air", 61)} + 5.2 * {_noise("hour", "front", 149)}
            - if(water > 0, 1.2, 0),
            1
        ) as temperature_2m,
        least(100, greatest(18, round(
            57 + 4 * summer - 14 * afternoon + 22 * {_noise("hour", "damp", 29)} + if(water > 0, 25, 0)
        )))::integer as relative_humidity_2m,
        2.1 + abs(4.2 * {_noise("hour", "wind", 13)} + 2.4 * {_noise("hour", "wind", 37)}) + 5 * storm as wind,
        temperature_2m <= 0.7 and water > 0 as is_snow
    from sky
),
fallen as (
    select
        *,
        ln(relative_humidity_2m / 100.0) + 17.625 * temperature_2m / (243.04 + temperature_2m) as vapour,
        -- the archive counts 7 cm of snow for 10 mm of water
        round(if(is_snow, 0.7 * water, 0), 2) as snowfall
    from air
),
lying as (
    select
        *,
        round(243.04 * vapour / (17.625 - vapour), 1) as dew_point_2m,
        round(
            least(0.6, 0.007 * sum(snowfall * if(temperature_2m > 3, 0.7, 1)) over (
                order by hour rows between {_SNOW_MEMORY_HOURS - 1} preceding and current row
            ) * if(temperature_2m > 6, 0.2, 1)),
            2
        ) as snow_depth
    from fallen
)
select
    strftime(utc, '%Y-%m-%dT%H:%M') as time,
    temperature_2m,
    relative_humidity_2m,
    dew_point_2m,
    round(
        temperature_2m + 0.33 * (relative_humidity_2m / 100.0)
        * 6.105 * exp(17.27 * temperature_2m / (237.7 + temperature_2m)) - 0.7 * wind - 4,
        1
    ) as apparent_temperature,
    water as precipitation,
    if(is_snow, 0, water) as rain,
    snowfall,
    snow_depth,
    case
        when is_snow then if(snowfall < 0.5, 71, if(snowfall < 1.5, 73, 75))
        when water >= 7.6 then 65
        when water >= 2.5 then 63
        when water >= 1.3 then 61
        when water >= 1.0 then 55
        when water >= 0.5 then 53
        when water >= 0.1 then 51
        when cloud_cover < 20 then 0
        when cloud_cover < 50 then 1
        when cloud_cover < 80 then 2
        else 3
    end as weather_code,
    round(1014 + 9 * {_noise("hour", "press", 83)} - 8 * wetness, 1) as surface_pressure,
    if(water > 0, greatest(cloud_cover, 80), cloud_cover) as cloud_cover,
    round({wind_factor!r} * wind, {2 if wind_factor == 1 else 1}) as wind_speed_10m,
    ((250 + 130 * {_noise("hour", "veer", 41)})::integer + 360) % 360 as wind_direction_10m,
    round({wind_factor!r} * wind * (1.7 + 0.4 * {_noise("hour", "gust", 7)}), 1) as wind_gusts_10m
from lying
where hour >= {start}
order by hour"""
