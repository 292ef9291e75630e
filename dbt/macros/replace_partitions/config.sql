{#
    The configuration of a model that is materialized as replace_partitions, checked and with its defaults:
    `time` (the field that says which period a partition is of), `feed` (the other field, or none), `fields` (both, in
    order), `event_time` and `batch_rows`.
#}
{% macro replace_partitions_config() -%}
    {%- set fields = config.get('partition_by') -%}
    {%- if fields is mapping -%}{%- set fields = [fields] -%}{%- endif -%}
    {%- if fields is string or fields is not iterable or not fields -%}
        {%- do wrong_config('partition_by', 'a list of fields such as '
            ~ "{'field': 'source_month', 'data_type': 'date', 'granularity': 'month'}", fields) -%}
    {%- endif -%}
    {%- for field in fields -%}{%- do check_partition_field(field) -%}{%- endfor -%}
    {%- set times = fields | selectattr('granularity', 'defined') | list -%}
    {%- set others = fields | selectattr('granularity', 'undefined') | list -%}
    {%- if times | length != 1 or others | length > 1 -%}
        {%- do wrong_config('partition_by', 'one field with a granularity and at most one without', fields) -%}
    {%- endif -%}
    {%- set event_time = config.get('event_time') -%}
    {%- if event_time is not string -%}
        {%- do wrong_config('event_time', 'the name of the column with the time of a row', event_time) -%}
    {%- endif -%}
    {%- set batch_rows = config.get('batch_rows', 8000000) -%}
    {%- if batch_rows is not integer or batch_rows is boolean or batch_rows < 0 -%}
        {%- do wrong_config('batch_rows', 'a whole number of rows, 0 for one period at a time', batch_rows) -%}
    {%- endif -%}
    {#- Types of the configuration are DuckDB's. -#}
    {%- set typed = [] -%}
    {%- for field in others + times -%}
        {%- do typed.append(dict(field, data_type=engine_type(field.data_type))) -%}
    {%- endfor -%}
    {{ return({
        'fields': typed,
        'time': typed[-1],
        'feed': typed[0] if others else none,
        'event_time': event_time,
        'batch_rows': batch_rows,
    }) }}
{%- endmacro %}

{% macro check_partition_field(field) -%}
    {%- set data_types = {'month': ['date'], 'day': ['date'], 'hour': ['timestamp']} -%}
    {%- if field is not mapping or field.field is not string or field.data_type is not string -%}
        {%- do wrong_config('partition_by', "fields with 'field' and 'data_type'", field) -%}
    {%- endif -%}
    {%- set unknown = field | reject('in', ['field', 'data_type', 'granularity']) | list -%}
    {%- if unknown -%}
        {%- do wrong_config('partition_by', "no keys but 'field', 'data_type' and 'granularity'", unknown | join(', ')) -%}
    {%- endif -%}
    {%- if not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', field.field) -%}
        {%- do wrong_config('partition_by', 'the name of a column', field.field) -%}
    {%- endif -%}
    {%- if 'granularity' not in field -%}
        {%- if field.data_type not in ['varchar', 'string'] -%}
            {%- do wrong_config('partition_by', 'data_type varchar of a field without a granularity', field) -%}
        {%- endif -%}
    {%- elif field.granularity not in data_types -%}
        {%- do wrong_config('partition_by', 'the granularity ' ~ data_types | join(', '), field.granularity) -%}
    {%- elif field.data_type not in data_types[field.granularity] -%}
        {%- do wrong_config(
            'partition_by', 'data_type ' ~ data_types[field.granularity][0] ~ ' of a field by ' ~ field.granularity, field
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro wrong_config(name, expected, got) -%}
    {%- do exceptions.raise_compiler_error(
        model.name ~ ": expected the configuration " ~ name ~ " to be " ~ expected ~ ", got "
        ~ shortened(got | string, 200) ~ ". See macros/replace_partitions/README.md."
    ) -%}
{%- endmacro %}
