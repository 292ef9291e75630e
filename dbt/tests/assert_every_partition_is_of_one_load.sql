-- A load replaces its partition whole: rows of two loads are left over from a replacement that broke off.
select
    feed,
    partition_key,
    load_count
from {{ ref('int_raw_partitions') }}
where load_count > 1
