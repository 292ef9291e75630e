with

source as (

    select * from {{ source('raw_data', 'pipeline_events') }}

),

renamed as (

    select
        -- ids
        feed,
        source_hour,
        source_row,
        _dlt_load_id as load_id,
        {{ text_or_missing('event_id') }} as event_id,
        {{ text_or_missing('workspace') }} as workspace,
        {{ text_or_missing('pipeline') }} as pipeline,
        {{ text_or_missing('run_id') }} as run_id,

        -- texts
        {{ status_of_text('status') }} as status,
        {{ text_or_missing('error') }} as error,
        payload,
        other_fields,

        -- numbers
        {{ whole_number_of_text('rows') }} as row_count,

        -- times
        {{ text_or_missing('started_at') }} is not null as has_start,
        {{ text_or_missing('finished_at') }} is not null as has_end,
        {{ utc_of_iso_text('started_at') }} as started_at,
        {{ utc_of_iso_text('finished_at') }} as finished_at,

        -- where the line stood
        file_name,
        line_number,
        problem,
        line
    from source

)

select * from renamed
