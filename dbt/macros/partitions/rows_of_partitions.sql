{#
    The rows of a relation that are in the partitions to build, by a condition with literals between two marks: the
    strategy puts that of a batch in its place, see queries_of_batches.
#}
{% macro rows_of_partitions(relation, partitions) -%}
    {%- set built = {'whole': not is_incremental(), 'partitions': partitions} -%}
    select * from {{ relation }}
    where
        {{ partitions_mark() }}{{ tojson(built) | replace("*/", "") }} */
        ({{ partitions_condition(partitions) if is_incremental() else true }})
        {{ partitions_end_mark() }}
{%- endmacro %}

{# What the model's query was compiled for: whether for all partitions, and which. #}
{% macro built_partitions() -%}
    {%- if partitions_mark() not in model.compiled_code -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ " uses the incremental strategy replace_partitions, but its query does not read"
            ~ " rows_of_partitions(relation, partitions): see macros/partitions/rows_of_partitions.sql."
        ) -%}
    {%- endif -%}
    {{ return(fromjson(model.compiled_code.split(partitions_mark())[1].split(' */')[0])) }}
{%- endmacro %}

{#
    The model's query for each batch of months to build, in order. However many months are to be built, a query needs
    the memory of a batch; and the rows of a batch lie together, so that engines can skip those of others.
#}
{% macro queries_of_batches() -%}
    {%- set built = built_partitions() -%}
    {%- set month = (config.get('meta').partition_columns | list)[-1] -%}
    {%- set queries = [] -%}
    {%- for partitions in batches_of(built.partitions, month) -%}
        {%- if built.whole -%}
            {# All that is there of these months is to be built: the condition that costs least. #}
            {%- set first = partition_literal(partitions[0][month], 'date') -%}
            {%- set last = partition_literal(partitions[-1][month], 'date') -%}
            {%- do queries.append(query_with(month ~ " between " ~ first ~ " and " ~ last)) -%}
        {%- else -%}
            {%- do queries.append(query_with(partitions_condition(partitions))) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(queries) }}
{%- endmacro %}

{#
    The partitions, whole months together, in lists of about rows_of_a_batch, which a model's meta can say (0: each
    month alone). Measured of fct_trips with 32 million rows: in batches of a million it takes DuckDB a fifth longer,
    for what a thread writes of one is less than a row group; at once it takes as long, and a fourth more memory.
#}
{% macro batches_of(partitions, month) -%}
    {%- set rows_of_a_batch = config.get('meta').get('rows_of_a_batch', 8000000) -%}
    {%- set batches = [] -%}
    {%- for _, of_month in partitions | groupby(month) -%}
        {%- if batches and batches[-1] | sum(attribute='row_count') < rows_of_a_batch -%}
            {%- do batches[-1].extend(of_month) -%}
        {%- else -%}
            {%- do batches.append(of_month | list) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(batches) }}
{%- endmacro %}

{# The model's query with a condition in the place of that for all partitions. #}
{% macro query_with(condition) -%}
    {%- set before, marked = model.compiled_code.split(partitions_mark()) -%}
    {{ return(before ~ "(" ~ condition ~ ")" ~ marked.split(partitions_end_mark())[1]) }}
{%- endmacro %}

{#
    `feed in ('green', 'yellow') and source_month in (…)`, once where all months have the same: conditions on single
    columns are what engines skip rows by. `false` where there are no partitions.
#}
{% macro partitions_condition(partitions) -%}
    {%- set types = config.get('meta').partition_columns -%}
    {%- set others = (types | list)[:-1] -%}
    {%- set month = (types | list)[-1] -%}
    {%- set months = {} -%}
    {%- for value, of_month in partitions | groupby(month) -%}
        {%- set conditions = [] -%}
        {%- for column in others -%}
            {%- do conditions.append(is_one_of(column, of_month | map(attribute=column) | unique, types[column])) -%}
        {%- endfor -%}
        {%- do months.setdefault(conditions | join(" and "), []).append(value) -%}
    {%- endfor -%}
    {%- set conditions = [] -%}
    {%- for of_others, values in months.items() -%}
        {%- set of_months = is_one_of(month, values, types[month]) -%}
        {%- do conditions.append(of_others ~ " and " ~ of_months if of_others else of_months) -%}
    {%- endfor -%}
    {{ return(conditions | join(" or ") or "false") }}
{%- endmacro %}

{% macro is_one_of(column, values, type) -%}
    {%- set literals = [] -%}
    {%- for value in values -%}{%- do literals.append(partition_literal(value, type)) -%}{%- endfor -%}
    {{ return(column ~ " in (" ~ literals | join(", ") ~ ")") }}
{%- endmacro %}

{% macro partition_literal(value, type) -%}
    {{ return("cast('" ~ value | replace("'", "''") ~ "' as " ~ type ~ ")") }}
{%- endmacro %}

{% macro partitions_mark() %}{{ return("/* replace_partitions ") }}{% endmacro %}

{% macro partitions_end_mark() %}{{ return("/* end of partitions */") }}{% endmacro %}
