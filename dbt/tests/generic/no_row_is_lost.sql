{# Partitions of a reconciliation whose rows are not all where they belong, or are of another load. #}
{% test no_row_is_lost(model) %}

select *
from {{ model }}
where
    lost <> 0
    or in_raw_data <> published
    or not is_built

{% endtest %}
