{# The kind of trips that a feed's files hold. #}
{% macro trip_type_of_feed(feed) -%}
    case {{ feed }}
        when 'yellow' then 'yellow_taxi'
        when 'green' then 'green_taxi'
        when 'citibike_jc' then 'citibike'
        else {{ feed }}
    end
{%- endmacro %}

{# A select of the months of which trips are loaded: trip type and month of the files. #}
{% macro loaded_trip_months() -%}
    select distinct
        {{ trip_type_of_feed('feed') }} as trip_type,
        source_month
    from {{ ref('int_loaded_partitions') }}
    where {{ is_trip_feed('feed') }}
{%- endmacro %}
