{#
    What every partition of ticker_anomalies is built from: its day of fct_ticker_sessions and the last days loaded
    before. So a day that is loaded late or again rebuilds those after it that are compared with it. `row_count` is for
    all the days that a partition reads.
#}
{% macro expected_anomaly_days() -%}
    {%- set days_before = days_compared_with() -%}
    select
        feed,
        source_date,
        load_id,
        row_count * {{ days_before + 1 }} as row_count,
        row_number() over (partition by feed order by source_date) as day_number,
        {%- set versions = ["version"] -%}
        {%- for number in range(1, days_before + 1) -%}
            {%- do versions.append("coalesce(lag(version, " ~ number ~ ") over (partition by feed order by source_date), '')") -%}
        {%- endfor %}
        {{ dbt.hash(versions | join(" || '; ' || ")) }} as version
    from ({{ held_days('fct_ticker_sessions') }}) as days
{%- endmacro %}

{# With how many days before a ticker's day is compared: those of a trading month. #}
{% macro days_compared_with() %}{{ return(20) }}{% endmacro %}
