{#
    The days that the variables backfill_start_date and backfill_end_date ask to build again: `start`, and `end` (both
    included) or none for no end. None where no backfill was asked for.
#}
{% macro backfill_window() -%}
    {%- set start = iso_date_variable('backfill_start_date') -%}
    {%- set end = iso_date_variable('backfill_end_date') -%}
    {%- if end and not start -%}
        {%- do exceptions.raise_compiler_error(
            "backfill_end_date is " ~ end ~ " but backfill_start_date is not set: set both, or the start alone."
        ) -%}
    {%- endif -%}
    {%- if end and end < start -%}
        {%- do exceptions.raise_compiler_error(
            "expected backfill_end_date not before backfill_start_date, got " ~ end ~ " before " ~ start ~ "."
        ) -%}
    {%- endif -%}
    {{ return({'start': start, 'end': end} if start else none) }}
{%- endmacro %}

{# Whether a partition of a relation has one of these days: of a model of months, the months that contain them. #}
{% macro is_in_backfill_window(relation) -%}
    {%- set window = backfill_window() -%}
    {%- set time = replace_partitions_config().time -%}
    {%- set column = relation ~ "." ~ time.field -%}
    {%- set first = window.start[:8] ~ '01' if time.granularity == 'month' else window.start -%}
    {%- set conditions = [column ~ " >= " ~ typed_literal(first, time.data_type)] -%}
    {%- if window.end -%}
        {%- set last = modules.datetime.date.fromisoformat(window.end) -%}
        {%- set after = (last + modules.datetime.timedelta(days=1)) | string if window.end != '9999-12-31' else none -%}
        {%- if after -%}
            {%- do conditions.append(column ~ " < " ~ typed_literal(after, time.data_type)) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(conditions | join(" and ")) }}
{%- endmacro %}

{# The variable as text, or none where it is not set. Stops where it is not a date. #}
{% macro iso_date_variable(name) -%}
    {%- set value = var(name, none) -%}
    {%- if value is none or value | string == '' -%}{{ return(none) }}{%- endif -%}
    {%- set text = value | string -%}
    {%- set is_date = false -%}
    {%- if modules.re.fullmatch('[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])', text) and text[:4] != '0000' -%}
        {%- set days_before = modules.datetime.timedelta(days=text[8:] | int - 1) -%}
        {%- set first = modules.datetime.date(text[:4] | int, text[5:7] | int, 1) -%}
        {%- set is_date = (first + days_before).month == first.month -%}
    {%- endif -%}
    {%- if not is_date -%}
        {%- do exceptions.raise_compiler_error(
            "expected the variable " ~ name ~ " to be a date like 2025-05-01, got '" ~ shortened(text, 60) ~ "'."
        ) -%}
    {%- endif -%}
    {{ return(text) }}
{%- endmacro %}

{#
    On-run-start: a window that is not valid stops the run before anything is built. So does a variable that nothing
    reads, because a slip in a name would build what nobody asked for.
#}
{% macro check_backfill_window() -%}
    {%- if execute -%}
        {%- set known = ['backfill_start_date', 'backfill_end_date'] -%}
        {%- set unknown = (invocation_args_dict.get('vars') or {}) | list | map('string') | reject('in', known) | list -%}
        {%- if unknown -%}
            {%- do exceptions.raise_compiler_error(
                "expected no variables but " ~ known | join(' and ') ~ ", got "
                ~ shortened(unknown | sort | join(', '), 200) ~ "."
            ) -%}
        {%- endif -%}
        {%- do backfill_window() -%}
    {%- endif -%}
{%- endmacro %}
