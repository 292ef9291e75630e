{# What the metrics call adverse, pleasant and so on, for the weather of one hour. Null where a measure is missing. #}

{% macro is_adverse_weather() -%}
    (
        precipitation_mm > 5
        or temperature_celsius < -5
        or temperature_celsius > 35
        or wind_speed_ms > 15
        or snowfall_cm > 1
    )
{%- endmacro %}

{% macro is_pleasant_weather() -%}
    (
        temperature_celsius between 15 and 25
        and precipitation_mm = 0
        and wind_speed_ms < 10
        and cloud_cover_pct < 50
    )
{%- endmacro %}

{% macro is_good_cycling_weather() -%}
    (temperature_celsius between 10 and 25 and precipitation_mm = 0 and wind_speed_ms < 15)
{%- endmacro %}

{% macro precipitation_intensity(millimetres) -%}
    case
        when {{ millimetres }} = 0 then 'none'
        when {{ millimetres }} < 2.5 then 'light'
        when {{ millimetres }} < 7.6 then 'moderate'
        when {{ millimetres }} < 50 then 'heavy'
        when {{ millimetres }} >= 50 then 'extreme'
    end
{%- endmacro %}

{% macro temperature_category(celsius) -%}
    case
        when {{ celsius }} < 0 then 'cold'
        when {{ celsius }} < 10 then 'cool'
        when {{ celsius }} < 20 then 'mild'
        when {{ celsius }} < 30 then 'warm'
        when {{ celsius }} >= 30 then 'hot'
    end
{%- endmacro %}
