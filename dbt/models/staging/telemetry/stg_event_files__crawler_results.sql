with

source as (

    select * from {{ source('raw_data', 'crawler_results') }}

),

renamed as (

    select
        -- ids
        feed,
        source_date,
        source_row,
        _dlt_load_id as load_id,
        {{ text_or_missing('user_name') }} as user_name,

        -- texts
        {{ text_or_missing('display_name') }} as display_name,
        raw_json,
        other_fields,

        -- numbers
        {{ whole_number_of_text('followers') }} as followers,
        {{ whole_number_of_text('following') }} as following, -- noqa: RF04
        {{ whole_number_of_text('posts') }} as posts,

        -- booleans
        {{ boolean_of_text('verified') }} as is_verified,

        -- times
        {{ text_or_missing('crawled_at') }} is not null as has_crawl_time,
        {{ utc_of_iso_text('created_at') }} as created_at,
        {{ utc_of_iso_text('crawled_at') }} as crawled_at,

        -- where the line stood
        file_name,
        line_number,
        problem,
        line
    from source

)

select * from renamed
