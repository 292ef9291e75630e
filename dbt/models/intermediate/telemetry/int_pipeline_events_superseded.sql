-- A table, because several models read it, and it takes all hours to know it.
{{ config(materialized='table') }}

with

candidates as (

    select * from {{ ref('int_pipeline_event_candidates') }}

),

superseded as (

    {{ candidates_superseded(
        'candidates', keys=['feed', 'event_id'], period='source_hour', latest_first=latest_event_first()
    ) }}

)

select * from superseded
