-- From the ledger, not from raw data: the loader writes both in one transaction, and this costs nothing to read.
with

watermarks as (

    select * from {{ source('meta', 'asset_watermarks') }}

),

feeds as (

    {% for feed in registered_feeds() -%}
    select
        '{{ feed.subject }}' as subject,
        '{{ feed.feed }}' as feed
    {{ "union all" if not loop.last }}
    {% endfor %}
),

loaded as (

    select
        feeds.subject,
        watermarks.feed,
        watermarks.grain,
        watermarks.partition_key,
        watermarks.period_start,
        watermarks.period_end,
        watermarks.version,
        watermarks.load_id,
        watermarks.rows as row_count
    from watermarks
    inner join feeds
        on watermarks.asset = feeds.feed
    -- What was loaded came from somewhere. dbt's own models have watermarks, too.
    where watermarks.source_url is not null

)

select * from loaded
