{#
    The weather whose effect on trips is asked for: name, and what is true in such an hour of dim_weather. Null where the
    measure is missing: the hour is then neither one with it nor one without.
#}
{% macro weather_conditions() -%}
    {{ return([
        ('rain', 'is_rain'),
        ('snow', 'is_snow'),
        ('cold', "temperature_category = 'cold'"),
        ('heat', "temperature_category = 'hot'"),
        ('wind', 'wind_speed_ms >= 8'),
    ]) }}
{%- endmacro %}
