{#
    The key of a trip: feed code * 10^15 + yyyymm * 10^9 + position in the published file. It is unique by construction
    and needs no hashing. The raw table says which feeds' codes to choose from.
#}
{% macro trip_id(raw_table) -%}
    {%- set feeds = registered_feeds(kind='trip', raw_table=raw_table) -%}
    {%- if not feeds or none in feeds | map(attribute='code') -%}
        {%- do exceptions.raise_compiler_error(
            "expected trip feeds with a code for raw table " ~ raw_table ~ ", but the catalog has "
            ~ (feeds | map(attribute='feed') | join(', ') or 'none') ~ " without. Give each Feed a code that was never"
            ~ " used, then run: python -m ingestion.dbt_catalog"
        ) -%}
    {%- elif feeds | length == 1 -%}
        {%- set code = feeds[0].code -%}
    {%- else -%}
        {%- set cases = [] -%}
        {%- for feed in feeds -%}{%- do cases.append("when '" ~ feed.feed ~ "' then " ~ feed.code) -%}{%- endfor -%}
        {%- set code = "(case feed " ~ cases | join(" ") ~ " end)" -%}
    {%- endif -%}
    cast({{ code }} as bigint) * 1000000000000000
    + ({{ date_part_integer('year', 'source_month') }} * 100 + {{ date_part_integer('month', 'source_month') }})
    * cast(1000000000 as bigint)
    + source_row
{%- endmacro %}

{# A TLC zone, or 264 (Unknown) where the zone is missing or not in the lookup, so that each trip finds its zone. #}
{% macro known_location_id(location_id) -%}
    case when {{ location_id }} between 1 and 265 then {{ location_id }} else 264 end
{%- endmacro %}
