{#
    Where a model goes: the target schema, and what its folder's configuration says after it (`core_staging`). Without
    such a configuration the marts of a subject go into a schema of the subject's name (`core_toys`), so that a new
    subject needs none.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none and node.fqn | length > 3 and node.fqn[1] == 'marts' -%}
        {%- set custom_schema_name = node.fqn[2] -%}
    {%- endif -%}
    {{ return(default__generate_schema_name(custom_schema_name, node)) }}
{%- endmacro %}
