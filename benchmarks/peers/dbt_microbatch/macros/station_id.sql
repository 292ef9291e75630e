{#- A station's id as text; 5382.1 stands for 5382.10, which has lost its zero. #}
{%- macro station_id(column) -%}
case
            when {{ column }} like '%._%' and regexp_matches(trim({{ column }}), '^[0-9]+[.][0-9]$')
                then trim({{ column }}) || '0'
            else nullif(trim({{ column }}), '')
        end
{%- endmacro %}
