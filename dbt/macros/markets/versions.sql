{#
    What dated files say of things, with its history (type 2): a row for each stretch of time in which they say the same.
    A thing has a new version where a file says something else of it, or where it comes back after it was away.

    `described` is a model with a row of each thing and file, `key` its column with the thing, `described_by` those that
    say something of it. `files` is a query of the dates of all files: also one without a kept row has its date, because
    everything ended with it.
#}
{% macro versions_of(described, key, described_by, files) -%}
with

described as (

    select * from {{ ref(described) }}

),

file_dates as (

    select
        source_date,
        lead(source_date) over (order by source_date) as next_file_date,
        lag(source_date) over (order by source_date) as previous_file_date
    from ({{ files }}) as files

),

dated as (

    select
        described.*,
        file_dates.next_file_date,
        file_dates.previous_file_date,
        {%- for name in described_by %}
        lag(described.{{ name }}) over of_one as previous_{{ name }},
        {%- endfor %}
        lag(described.source_date) over of_one as previous_source_date
    from described
    inner join file_dates
        on described.source_date = file_dates.source_date
    window of_one as (partition by described.{{ key }} order by described.source_date)

),

marked as (

    select
        *,
        case
            when
                previous_source_date = previous_file_date
                {%- for name in described_by %}
                and coalesce({{ name }}, '') = coalesce(previous_{{ name }}, '')
                {%- endfor %}
                then 0
            else 1
        end as is_new_version
    from dated

),

numbered as (

    select
        *,
        sum(is_new_version) over (
            partition by {{ key }} order by source_date rows between unbounded preceding and current row
        ) as version_number
    from marked

),

versions as (

    select
        {{ key }},
        cast(version_number as integer) as version_number,
        {%- for name in described_by %}
        {{ name }},
        {%- endfor %}
        min(source_date) as valid_from,
        -- The first file that no longer says so. None after the last file: it is so until now.
        case when count(next_file_date) = count(*) then max(next_file_date) end as valid_to
    from numbered
    group by {{ key }}, version_number, {{ described_by | join(', ') }}

)
{%- endmacro %}

{# Whether a version of a thing, of a relation by its alias, holds on a date: to join facts with what was so then. #}
{% macro holds_on(versions, date) -%}
    {{ return(
        "(" ~ date ~ " >= " ~ versions ~ ".valid_from and (" ~ versions ~ ".valid_to is null or " ~ date ~ " < "
        ~ versions ~ ".valid_to))"
    ) }}
{%- endmacro %}
