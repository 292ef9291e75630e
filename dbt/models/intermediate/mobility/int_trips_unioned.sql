with

unioned as (

    {{ union_by_name(trip_relations(), trip_columns()) }}
),

trips as (

    select {{ trip_columns() | map('first') | join(', ') }}
    from unioned

)

select * from trips
