{# The kind of trips that a feed's files hold. #}
{% macro trip_type_of_feed(feed) -%}
    case {{ feed }}
        when 'yellow' then 'yellow_taxi'
        when 'green' then 'green_taxi'
        when 'citibike_jc' then 'citibike'
        else {{ feed }}
    end
{%- endmacro %}
