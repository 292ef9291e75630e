{#
    Rows of the feeds by feed and period, in the models that the catalog names as `kept_in` or `quarantined_in`: `role`
    says which of the two. Such a model has the feed's period column, load_id and, where it holds several feeds, feed.
    Rows of a stream's period are of many loads, so none is given.
#}
{% macro held_partitions(role) -%}
    {%- for model, feeds in registered_feeds() | selectattr(role) | groupby(role) %}
    {%- set period = feeds[0].period_column %}
    {%- set is_stream = feeds[0].is_stream %}
    select
        {{ "feed" if feeds | length > 1 else "'" ~ feeds[0].feed ~ "'" }} as feed,
        {{ period_key(period, feeds[0].grain) }} as partition_key,
        {{ "cast(null as " ~ dbt.type_string() ~ ")" if is_stream else "load_id" }} as load_id,
        {{ "count(*)" if role == 'kept_in' else "0" }} as kept,
        {{ "count(*)" if role == 'quarantined_in' else "0" }} as quarantined
    from {{ ref(model) }}
    where {{ period }} is not null
    group by {{ "feed, " if feeds | length > 1 }}{{ period }}{{ ", load_id" if not is_stream }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# What the catalog says of the feeds, a row each. #}
{% macro feeds_of_catalog() -%}
    {%- for feed in registered_feeds() %}
    select
        '{{ feed.subject }}' as subject,
        '{{ feed.kind }}' as kind,
        '{{ feed.feed }}' as feed,
        '{{ feed.grain }}' as grain,
        {{ feed.is_stream | lower }} as is_stream,
        {% for role in ('kept_in', 'quarantined_in') -%}
        {%- set relation = ref(feed[role]) if feed[role] else none -%}
        cast({{ "'" ~ relation.schema ~ "." ~ relation.identifier ~ "'" if relation else "null" }}
            as {{ dbt.type_string() }}) as {{ role }},
        {% endfor -%}
        '{{ feed.kept_in }}' as kept_in_asset
    {{ "union all" if not loop.last }}
    {%- endfor %}
{%- endmacro %}
