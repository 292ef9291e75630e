with

crawls as (

    select * from {{ ref('silver_crawler_results') }}

),

ranked as (

    select
        *,
        row_number() over (partition by user_name order by crawl_date desc) as age,
        count(*) over (partition by user_name) as crawl_count,
        min(crawled_at) over (partition by user_name) as first_crawled_at,
        lag(crawled_at) over of_user as previous_crawled_at,
        lag(followers) over of_user as previous_followers,
        lag(posts) over of_user as previous_posts
    from crawls
    window of_user as (partition by user_name order by crawl_date)

),

profiles as (

    select
        user_name,
        display_name,
        followers,
        following,
        posts,
        is_verified,
        created_at,
        completeness,
        first_crawled_at,
        crawled_at as last_crawled_at,
        crawl_count,
        {{ engagement_score('posts', 'created_at', 'crawled_at') | indent(8) }} as engagement_score,
        {{ influence_score('followers', 'following', 'is_verified') | indent(8) }} as influence_score,
        previous_crawled_at,
        followers - previous_followers as followers_change,
        posts - previous_posts as posts_change
    from ranked
    where age = 1

)

select * from profiles
