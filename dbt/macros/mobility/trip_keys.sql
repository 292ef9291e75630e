{# The code of every trip feed in `trip_id`. A code is never used again for another feed. #}
{% macro trip_feed_codes() -%}
    {{ return({'yellow': 1, 'green': 2, 'fhv': 3, 'hvfhv': 4, 'citibike': 5, 'citibike_jc': 6}) }}
{%- endmacro %}

{# Whether a partition's feed is one of trips: raw data holds others, too. #}
{% macro is_trip_feed(feed) -%}
    {{ feed }} in ('{{ trip_feed_codes() | join("', '") }}')
{%- endmacro %}

{# feed code * 10^15 + yyyymm * 10^9 + position in the published file: unique by construction, no hashing. #}
{% macro trip_id(feeds) -%}
    {%- set codes = trip_feed_codes() -%}
    {%- if feeds | length == 1 -%}
        {%- set code = codes[feeds[0]] -%}
    {%- else -%}
        {%- set cases = [] -%}
        {%- for feed in feeds -%}{%- do cases.append("when '" ~ feed ~ "' then " ~ codes[feed]) -%}{%- endfor -%}
        {%- set code = "(case feed " ~ cases | join(" ") ~ " end)" -%}
    {%- endif -%}
    cast({{ code }} as bigint) * 1000000000000000
    + ({{ date_part_integer('year', 'source_month') }} * 100 + {{ date_part_integer('month', 'source_month') }})
    * cast(1000000000 as bigint)
    + source_row
{%- endmacro %}

{# A TLC zone, or 264 (Unknown) where the file has none or one that the lookup has not: facts never miss their row. #}
{% macro known_location_id(location_id) -%}
    case when {{ location_id }} between 1 and 265 then {{ location_id }} else 264 end
{%- endmacro %}
