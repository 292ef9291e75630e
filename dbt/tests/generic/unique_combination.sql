{#
    Combinations of values that come more than once. Of a large table `recent`, with a column of dates and a number of
    days, leaves out what is older than so many days before its last one: that was tested when it was new.
#}
{% test unique_combination(model, columns, recent=none) %}

select {{ columns | join(', ') }}
from {{ model }}
{% if recent -%}
where {{ is_recent(model, recent.column, recent.days) }}
{%- endif %}
group by {{ columns | join(', ') }}
having count(*) > 1

{% endtest %}
