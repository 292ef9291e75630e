{# Rows of a feed that the catalog does not have, or not of this kind. #}
{% test registered_feed(model, column_name, kind) %}

select
    {{ column_name }},
    count(*) as row_count
from {{ model }}
where not {{ is_feed_of(column_name, registered_feeds(kind=kind)) }}
group by {{ column_name }}

{% endtest %}
