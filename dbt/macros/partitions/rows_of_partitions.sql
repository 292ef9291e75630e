{#
    The rows of a relation that are in the partitions to build. A select for every combination of the partition
    columns but the last, because conditions on single columns are what engines prune by: unchanged partitions are
    not read, and where nothing changed, nothing is.
#}
{% macro rows_of_partitions(relation, partitions) -%}
    /* {{ partitions_marker(partitions) }} */
    {% if not is_incremental() -%}
        select * from {{ relation }}
    {%- else -%}
        {% for predicate in partition_predicates(partitions) -%}
        {{ "union all " if not loop.first }}select * from {{ relation }} where {{ predicate }}
        {% else -%}
        select * from {{ relation }} where false
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# `feed = 'green' and source_month in (…)`, `feed = 'yellow' and …`: the last column listed by all the others. #}
{% macro partition_predicates(partitions) -%}
    {%- set types = config.get('meta').partition_columns -%}
    {%- set keys = types | list -%}
    {%- set groups = {} -%}
    {%- for partition in partitions -%}
        {%- set conditions = [] -%}
        {%- for key in keys[:-1] -%}
            {%- do conditions.append(key ~ " = " ~ partition_literal(partition[key], types[key])) -%}
        {%- endfor -%}
        {%- set literal = partition_literal(partition[keys[-1]], types[keys[-1]]) -%}
        {%- do groups.setdefault(conditions | join(" and "), []).append(literal) -%}
    {%- endfor -%}
    {%- set predicates = [] -%}
    {%- for conditions, literals in groups.items() -%}
        {%- set listed = keys[-1] ~ " in (" ~ literals | join(", ") ~ ")" -%}
        {%- do predicates.append(conditions ~ " and " ~ listed if conditions else listed) -%}
    {%- endfor -%}
    {{ return(predicates) }}
{%- endmacro %}

{% macro partition_literal(value, type) -%}
    {{ return("cast('" ~ value | replace("'", "''") ~ "' as " ~ type ~ ")") }}
{%- endmacro %}

{% macro partitions_marker(partitions) -%}
    {%- set built = {'whole': not is_incremental(), 'partitions': partitions} -%}
    {{ return("replace_partitions " ~ tojson(built) | replace("*/", "") ~ " end") }}
{%- endmacro %}
