{# For a window over crawls of a user on a day: the one that is right comes first. #}
{% macro latest_crawl_first() %}crawled_at desc, source_date desc, source_row desc{% endmacro %}

{# The share, from 0 to 1, of these columns that are not missing. #}
{% macro share_there(columns) -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append("case when " ~ column ~ " is not null then 1 else 0 end") -%}
    {%- endfor -%}
    cast(({{ parts | join(" + ") }}) / {{ columns | length }} as double)
{%- endmacro %}

{# The completeness of a profile. #}
{% macro completeness() -%}
    {{ return(share_there(['display_name', 'followers', 'following', 'posts', 'is_verified', 'created_at'])) }}
{%- endmacro %}
