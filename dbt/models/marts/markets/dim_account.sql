{%- set watched = ['account_type', 'status'] -%}
with

accounts as (

    select * from {{ ref('int_accounts') }}

),

last_file as (

    select max(source_date) as source_date
    from ({{ loaded_days('stg_reference_data__accounts') }}) as files

),

dated as (

    select
        *,
        {%- for name in watched %}
        lag({{ name }}) over (partition by account_id order by source_date) as {{ name }}_before,
        {%- endfor %}
        row_number() over (partition by account_id order by source_date) as file_number,
        row_number() over (partition by account_id order by source_date desc) as age
    from accounts

),

{% for name in watched -%}
changes_of_{{ name }} as (

    select
        account_id,
        source_date,
        {{ name }}_before,
        row_number() over (partition by account_id order by source_date desc) as age
    from dated
    where file_number > 1 and {{ name }} is distinct from {{ name }}_before

),

{% endfor -%}
described as (

    select
        latest.account_id,
        latest.trader_id,
        latest.account_type,
        of_type.account_type_before as previous_account_type,
        latest.status,
        of_status.status_before as previous_status,
        -- The later of the two; where one is missing, the other.
        greatest(
            coalesce(of_type.source_date, of_status.source_date), coalesce(of_status.source_date, of_type.source_date)
        ) as changed_on,
        latest.created_on,
        latest.source_date as described_on,
        latest.source_date = last_file.source_date as is_listed
    from dated as latest
    cross join last_file
    left join changes_of_account_type as of_type
        on latest.account_id = of_type.account_id
        and of_type.age = 1
    left join changes_of_status as of_status
        on latest.account_id = of_status.account_id
        and of_status.age = 1
    where latest.age = 1

)

select * from described
