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

{# A text as a literal of SQL; null for none. dbt's own macros for it are slow: their dispatch costs more than the rest. #}
{% macro sql_literal(text) -%}
    {{ return(sql_literals([text])[0]) }}
{%- endmacro %}

{# The same of several, as a list: dbt takes longer to call a macro than the macro takes. #}
{% macro sql_literals(texts) -%}
    {%- set literals = [] -%}
    {%- for text in texts -%}
        {%- do literals.append('null' if text is none else "'" ~ text | string | replace("'", "''") ~ "'") -%}
    {%- endfor -%}
    {{ return(literals) }}
{%- endmacro %}

{# Now in UTC, by the clock that dbt measures with. #}
{% macro ledger_timestamp() -%}
    {%- set now = modules.datetime.datetime.now(modules.pytz.utc).replace(tzinfo=none) -%}
    {{ return("timestamp '" ~ now ~ "'") }}
{%- endmacro %}

{# A message without the terminal's colours and without dbt's line that names the node, cut to this length. #}
{% macro shortened(message, length) -%}
    {%- set uncoloured = modules.re.sub('\x1b\\[[0-9;]*m', '', message or '') | trim -%}
    {%- set text = modules.re.sub('^\\w+ Error in \\w+ .*\n', '', uncoloured) | trim -%}
    {{ return(text if text | length <= length else text[:length] ~ ' …') }}
{%- endmacro %}

{#
    A hook calls this before it returns SQL that has to be committed. A hook that read the catalog leaves a transaction
    open, and dbt rolls that back after the last hook.
#}
{% macro end_open_transaction() -%}
    {%- call statement(auto_begin=true) -%}select 1{%- endcall -%}
    {%- do adapter.commit() -%}
{%- endmacro %}
