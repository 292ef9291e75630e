with

source as (

    select * from {{ source('raw_data', 'toy_sales') }}

),

renamed as (

    select
        -- ids
        feed,
        source_date,
        source_row,
        _dlt_load_id as load_id,
        trim(toy) as toy,

        -- numbers
        price,

        -- times
        sold_at
    from source

),

judged as (

    select
        *,
        case
            when sold_at is null then 'missing_time'
            when cast(sold_at as date) <> source_date then 'sold_on_another_day'
            when price is null or price < 0 then 'no_price'
        end as quarantine_reason
    from renamed

)

select * from judged
