{#
    The columns that trips of all types have in common: name, type, and the staging models that publish it.
    The others are null there. An empty list means all.
#}
{% macro trip_columns() -%}
    {%- set taxi = ['yellow_taxi', 'green_taxi'] -%}
    {%- set metered = taxi + ['hvfhv_taxi'] -%}
    {%- set for_hire = ['fhv_taxi', 'hvfhv_taxi'] -%}
    {%- set zoned = taxi + for_hire -%}
    {%- set bikes = ['trips'] -%}
    {{ return([
        ('trip_id', 'bigint', []),
        ('feed', 'varchar', []),
        ('source_month', 'date', []),
        ('source_row', 'bigint', []),
        ('load_id', 'varchar', []),
        ('trip_type', 'varchar', []),
        ('vendor_id', 'integer', taxi),
        ('rate_code_id', 'integer', taxi),
        ('payment_type_id', 'integer', taxi),
        ('license_number', 'varchar', ['hvfhv_taxi']),
        ('dispatching_base_number', 'varchar', for_hire),
        ('pickup_location_id', 'integer', zoned),
        ('dropoff_location_id', 'integer', zoned),
        ('ride_id', 'varchar', bikes),
        ('start_station_id', 'varchar', bikes),
        ('end_station_id', 'varchar', bikes),
        ('bike_type', 'varchar', bikes),
        ('rider_type', 'varchar', bikes),
        ('passenger_count', 'integer', taxi),
        ('trip_distance', 'double', metered),
        ('fare_amount', 'double', metered),
        ('tip_amount', 'double', metered),
        ('tolls_amount', 'double', metered),
        ('congestion_surcharge', 'double', metered),
        ('cbd_congestion_fee', 'double', metered),
        ('airport_fee', 'double', ['yellow_taxi', 'hvfhv_taxi']),
        ('total_amount', 'double', metered),
        ('is_repeated_ride', 'boolean', bikes),
        ('pickup_datetime', 'timestamp', []),
        ('dropoff_datetime', 'timestamp', []),
    ]) }}
{%- endmacro %}

{# The select list of one staging model in the columns that all trips share. #}
{% macro conformed_trip_columns(publisher_table) -%}
    {%- for name, type, published_by in trip_columns() -%}
        {%- if not published_by or publisher_table in published_by -%}
            {{ name }}
        {%- else -%}
            cast(null as {{ type }}) as {{ name }}
        {%- endif -%}
        {{- "," if not loop.last }}
        {% endfor %}
{%- endmacro %}
