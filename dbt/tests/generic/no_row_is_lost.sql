{#
    Partitions of a reconciliation whose rows are not all where they belong, or are of another load.
    A stream never ends: what came to a day after it was built is left for the next build.
#}
{% test no_row_is_lost(model) %}

select *
from {{ model }}
where
    lost <> 0
    or in_raw_data <> published
    or (not is_built and not (is_stream and kept + quarantined > 0))

{% endtest %}
