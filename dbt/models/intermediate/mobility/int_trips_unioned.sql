{#- What trips need beside the staging model stands in a model that is read in its place. -#}
{%- set read_instead = {'stg_citibike__trips': 'int_citibike_trips'} -%}
{%- set relations = [] -%}
{%- for name in registered_feeds(subject='mobility', kind='trip') | map(attribute='staging_model') | unique -%}
    {%- do relations.append(ref(read_instead.get(name, name))) -%}
{%- endfor -%}

with

unioned as (

    {{ union_by_name(relations, trip_columns()) }}
),

trips as (

    select
        {% for name, _ in trip_columns() -%}
        {{ name }}{{ "," if not loop.last }}
        {% endfor %}
    from unioned

)

select * from trips
