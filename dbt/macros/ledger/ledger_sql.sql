{# One insert of all rows, each a list of SQL expressions in the order of the columns; empty where there are none. #}
{% macro insert_into_ledger(table, columns, rows) -%}
    {%- if rows -%}
        insert into meta.{{ table }} ({{ columns | join(', ') }})
        values
        {% for row in rows -%}
        ({{ row | join(', ') }}){{ ',' if not loop.last else ';' }}
        {% endfor %}
    {%- endif -%}
{%- endmacro %}

{# A text in SQL, escaped; null for none. Without dbt's macros for it, whose dispatch costs more than all else here. #}
{% macro sql_literal(text) -%}
    {{ return('null' if text is none else "'" ~ text | string | replace("'", "''") ~ "'") }}
{%- endmacro %}

{# The present in UTC, by the clock that dbt measures with. #}
{% macro ledger_timestamp() -%}
    {%- set now = modules.datetime.datetime.now(modules.pytz.utc).replace(tzinfo=none) -%}
    {{ return("timestamp '" ~ now ~ "'") }}
{%- endmacro %}

{# A message without the terminal's colours and dbt's line that names the node, cut off where it is longer. #}
{% macro shortened(message, length) -%}
    {%- set uncoloured = modules.re.sub('\x1b\\[[0-9;]*m', '', message or '') | trim -%}
    {%- set text = modules.re.sub('^\\w+ Error in \\w+ .*\n', '', uncoloured) | trim -%}
    {{ return(text if text | length <= length else text[:length] ~ ' …') }}
{%- endmacro %}

{#
    To be called before a hook returns SQL that is to stay. A hook that looked into the catalog has left a transaction
    open, which dbt rolls back after the last hook.
#}
{% macro end_open_transaction() -%}
    {%- call statement(auto_begin=true) -%}select 1{%- endcall -%}
    {%- do adapter.commit() -%}
{%- endmacro %}
