{# Stop before the first model where raw data was never loaded: every model would fail, and none would say why. #}
{% macro check_raw_tables_exist() -%}
    {%- if execute and flags.WHICH != 'seed' -%}
        {%- set missing = [] -%}
        {%- for table in graph.sources.values() | sort(attribute='identifier') -%}
            {%- if adapter.get_relation(table.database, table.schema, table.identifier) is none -%}
                {%- do missing.append(table.schema ~ '.' ~ table.identifier) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if missing -%}
            {%- do exceptions.raise_compiler_error(
                "expected every raw table in " ~ target.path ~ ", but " ~ missing | join(', ')
                ~ (" is" if missing | length == 1 else " are") ~ " missing. Load a month first, which makes them all:"
                ~ " python ingestion/run_pipeline.py --year 2025 --months 1"
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
