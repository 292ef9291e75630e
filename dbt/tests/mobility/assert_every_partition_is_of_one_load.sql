-- A load replaces its partition whole: rows of two loads are the trace of a replacement that broke off.
select
    feed,
    source_month,
    load_count
from {{ ref('int_raw_partitions') }}
where load_count > 1
