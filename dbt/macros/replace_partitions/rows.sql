{#
    The rows of a relation that are in the partitions to build, by a condition with literals, so that engines skip the
    rest. The relation has the columns of partition_by.
#}
{% macro rows_of_partitions(relation, partitions) -%}
    {%- set plan = context.get('replace_partitions_plan') -%}
    {%- if not plan or (plan.is_whole and plan.batch is none) -%}
        {%- set condition = 'true' -%}
    {%- elif plan.is_whole -%}
        {%- set condition = whole_periods_condition(partitions) -%}
    {%- else -%}
        {%- set condition = partitions_condition(partitions) -%}
    {%- endif -%}
    select * from {{ relation }}
    where {{ condition }}
{%- endmacro %}

{# All that is there from the first period to the last: the condition that costs least. #}
{% macro whole_periods_condition(partitions) -%}
    {%- if not partitions -%}{{ return('false') }}{%- endif -%}
    {%- set time = replace_partitions_config().time -%}
    {%- set values = partitions | map(attribute=time.field) | sort -%}
    {%- set first = typed_literal(values[0], time.data_type) -%}
    {%- set last = typed_literal(values[-1], time.data_type) -%}
    {{ return(time.field ~ " between " ~ first ~ " and " ~ last) }}
{%- endmacro %}

{#
    `feed in ('a', 'b') and source_month in (…)`, once where all periods have the same feeds: conditions on
    single columns are what engines skip rows by. `false` where there are no partitions.
#}
{% macro partitions_condition(partitions) -%}
    {%- set settings = replace_partitions_config() -%}
    {%- set time = settings.time -%}
    {%- set groups = {} -%}
    {%- for value, of_period in partitions | groupby(time.field) -%}
        {%- set feeds = of_period | map(attribute=settings.feed.field) | join("/") if settings.feed else '' -%}
        {%- do groups.setdefault(feeds, {'feeds': of_period, 'periods': []}).periods.append(of_period[0]) -%}
    {%- endfor -%}
    {%- set conditions = [] -%}
    {%- for group in groups.values() -%}
        {%- set condition = is_one_of(time, group.periods) -%}
        {%- do conditions.append(
            "(" ~ is_one_of(settings.feed, group.feeds) ~ " and " ~ condition ~ ")" if settings.feed else condition
        ) -%}
    {%- endfor -%}
    {{ return("(" ~ conditions | join(" or ") ~ ")" if conditions else "false") }}
{%- endmacro %}

{# `source_month in (…)`, with the values that the partitions have of a field. #}
{% macro is_one_of(field, partitions) -%}
    {%- set literals = [] -%}
    {%- for literal in sql_literals(partitions | map(attribute=field.field) | unique) -%}
        {%- do literals.append("cast(" ~ literal ~ " as " ~ field.data_type ~ ")") -%}
    {%- endfor -%}
    {{ return(field.field ~ " in (" ~ literals | join(", ") ~ ")") }}
{%- endmacro %}

{# A text as a literal of a type; null for none. #}
{% macro typed_literal(value, data_type) -%}
    {{ return("cast(" ~ sql_literal(value) ~ " as " ~ data_type ~ ")") }}
{%- endmacro %}
