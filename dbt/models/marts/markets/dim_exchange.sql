with

exchanges as (

    select * from {{ ref('int_exchanges') }}

),

last_file as (

    select max(source_date) as source_date
    from ({{ loaded_days('stg_reference_data__exchanges') }}) as files

),

latest as (

    select
        exchanges.*,
        row_number() over (partition by exchanges.exchange_code order by exchanges.source_date desc) as age
    from exchanges

),

described as (

    select
        latest.exchange_code,
        latest.exchange_name,
        latest.timezone,
        latest.opens_at,
        latest.closes_at,
        latest.source_date as described_on,
        latest.source_date = last_file.source_date as is_listed
    from latest
    cross join last_file
    where latest.age = 1

)

select * from described
