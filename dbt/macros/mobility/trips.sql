{# Name and type of the columns that trips of all types share. What a staging model does not have is null. #}
{% macro trip_columns() -%}
    {%- set text = dbt.type_string() -%}
    {{ return([
        ('trip_id', 'bigint'),
        ('feed', text),
        ('source_month', 'date'),
        ('source_row', 'bigint'),
        ('load_id', text),
        ('trip_type', text),
        ('vendor_id', 'integer'),
        ('rate_code_id', 'integer'),
        ('payment_type_id', 'integer'),
        ('license_number', text),
        ('dispatching_base_number', text),
        ('pickup_location_id', 'integer'),
        ('dropoff_location_id', 'integer'),
        ('ride_id', text),
        ('start_station_id', text),
        ('end_station_id', text),
        ('bike_type', text),
        ('rider_type', text),
        ('passenger_count', 'integer'),
        ('trip_distance', 'double'),
        ('fare_amount', 'double'),
        ('tip_amount', 'double'),
        ('tolls_amount', 'double'),
        ('congestion_surcharge', 'double'),
        ('cbd_congestion_fee', 'double'),
        ('airport_fee', 'double'),
        ('total_amount', 'double'),
        ('is_repeated_ride', 'boolean'),
        ('pickup_datetime', 'timestamp'),
        ('dropoff_datetime', 'timestamp'),
    ]) }}
{%- endmacro %}

{# The models that have the trips of all feeds: the staging models, or what is built on one for what trips need. #}
{% macro trip_relations() -%}
    {%- set built_on = {'stg_citibike__trips': 'int_citibike_trips'} -%}
    {%- set relations = [] -%}
    {%- for model in registered_feeds('mobility', 'trip') | map(attribute='staging_model') | unique -%}
        {%- do relations.append(ref(built_on.get(model, model))) -%}
    {%- endfor -%}
    {{ return(relations) }}
{%- endmacro %}
