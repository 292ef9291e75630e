{# Partitions of topics of which a message is lost, or is there twice. #}
{% test offsets_agree(model) %}

select *
from {{ model }}
where
    read_offsets <> published + rejected + skipped
    or published <> in_raw_data
    or rejected <> in_rejects

{% endtest %}
