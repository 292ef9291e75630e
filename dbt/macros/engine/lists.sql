{# Lists and structs, whose spelling differs between engines. #}

{# A struct of these fields, each a pair of name and expression. #}
{% macro struct_of(fields) %}{{ return(adapter.dispatch('struct_of')(fields)) }}{% endmacro %}
{% macro default__struct_of(fields) -%}
    {%- set parts = [] -%}
    {%- for name, expression in fields -%}{%- do parts.append("'" ~ name ~ "', " ~ expression) -%}{%- endfor -%}
    {{ return("named_struct(" ~ parts | join(", ") ~ ")") }}
{%- endmacro %}
{% macro duckdb__struct_of(fields) -%}
    {%- set parts = [] -%}
    {%- for name, expression in fields -%}{%- do parts.append("'" ~ name ~ "': " ~ expression) -%}{%- endfor -%}
    {{ return("{" ~ parts | join(", ") ~ "}") }}
{%- endmacro %}

{# A field of a struct. #}
{% macro field_of(struct, name) %}{{ return(adapter.dispatch('field_of')(struct, name)) }}{% endmacro %}
{% macro default__field_of(struct, name) %}{{ return(struct ~ "." ~ name) }}{% endmacro %}
{% macro duckdb__field_of(struct, name) %}{{ return("struct_extract(" ~ struct ~ ", '" ~ name ~ "')") }}{% endmacro %}

{# A list without elements, whose elements would be structs of these fields, each a pair of name and type. #}
{% macro empty_list_of_structs(fields) %}{{ return(adapter.dispatch('empty_list_of_structs')(fields)) }}{% endmacro %}
{% macro default__empty_list_of_structs(fields) -%}
    {%- set parts = [] -%}
    {%- for name, type in fields -%}{%- do parts.append(name ~ ": " ~ type) -%}{%- endfor -%}
    {{ return("cast(array() as array<struct<" ~ parts | join(", ") ~ ">>)") }}
{%- endmacro %}
{% macro duckdb__empty_list_of_structs(fields) -%}
    {%- set parts = [] -%}
    {%- for name, type in fields -%}{%- do parts.append(name ~ " " ~ type) -%}{%- endfor -%}
    {{ return("cast([] as struct(" ~ parts | join(", ") ~ ")[])") }}
{%- endmacro %}

{# A list with one more element. #}
{% macro list_with(list, element) %}{{ return(adapter.dispatch('list_with')(list, element)) }}{% endmacro %}
{% macro default__list_with(list, element) %}{{ return("concat(" ~ list ~ ", array(" ~ element ~ "))") }}{% endmacro %}
{% macro duckdb__list_with(list, element) %}{{ return("list_append(" ~ list ~ ", " ~ element ~ ")") }}{% endmacro %}

{# An aggregate: the values of a group, a list in the order of these columns. #}
{% macro list_in_order(value, order_by) %}{{ return(adapter.dispatch('list_in_order')(value, order_by)) }}{% endmacro %}
{% macro default__list_in_order(value, order_by) -%}
    {%- set fields = [] -%}
    {%- for column in order_by -%}{%- do fields.append((column, column)) -%}{%- endfor -%}
    {%- set element = struct_of(fields + [('listed_value', value)]) -%}
    {{ return("transform(sort_array(collect_list(" ~ element ~ ")), element -> element.listed_value)") }}
{%- endmacro %}
{% macro duckdb__list_in_order(value, order_by) -%}
    {{ return("list(" ~ value ~ " order by " ~ order_by | join(", ") ~ ")") }}
{%- endmacro %}

{#
    What comes of a list when its elements are taken one after the other: the first is where it begins, and `step`
    says, of `before` and `element`, what is next. All three have the same type.
#}
{% macro fold_list(list, step) %}{{ return(adapter.dispatch('fold_list')(list, step)) }}{% endmacro %}
{% macro default__fold_list(list, step) -%}
    {%- set folded = "aggregate(slice(whole, 2, size(whole)), whole[0], (before, element) -> " ~ step ~ ")" -%}
    {{ return(with_value("whole", list, folded)) }}
{%- endmacro %}
{% macro duckdb__fold_list(list, step) -%}
    {{ return("list_reduce(" ~ list ~ ", lambda before, element: " ~ step ~ ")") }}
{%- endmacro %}

{# A row for each element of a list, in a select. #}
{% macro element_of_each(list) %}{{ return(adapter.dispatch('element_of_each')(list)) }}{% endmacro %}
{% macro default__element_of_each(list) %}{{ return("explode(" ~ list ~ ")") }}{% endmacro %}
{% macro duckdb__element_of_each(list) %}{{ return("unnest(" ~ list ~ ")") }}{% endmacro %}

{#
    An expression in which a name stands for a value, because it has the value several times. Spark gets it once: what it
    keeps of a view is at most 32,700 characters. The name is a word that the expression has for nothing else.
#}
{% macro with_value(name, value, expression) -%}
    {{ return(adapter.dispatch('with_value')(name, value, expression)) }}
{%- endmacro %}
{% macro default__with_value(name, value, expression) -%}
    {{ return("element_at(transform(array(" ~ value ~ "), " ~ name ~ " -> " ~ expression ~ "), 1)") }}
{%- endmacro %}
{% macro duckdb__with_value(name, value, expression) %}{{ return(expression | replace(name, value)) }}{% endmacro %}
