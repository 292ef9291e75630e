{#
    Scores of profiles, 0 to 100. They are made for comparing profiles with each other, so they go by logarithms: ten
    times as many followers add as much to few as to many. What they are made of is cast to doubles, because a sum of
    large integers may be too large for an integer.
#}

{#
    How many people a profile may reach. At most 70 points for its followers, all of them from ten million on; at most 20
    for being followed more than following; 10 for being verified.

    Never lower with more followers, never higher with more followed. Missing without followers. A profile of which it
    is not known whom it follows gets none of the 20, one of which it is not known whether it is verified none of the 10.
#}
{% macro influence_score(followers, following, is_verified) -%}
    {%- set counted = "greatest(cast(" ~ followers ~ " as double), 0)" -%}
    {%- set followed = "greatest(cast(" ~ following ~ " as double), 0)" -%}
    {%- set points -%}
        70 * least(1, ln(1 + {{ counted }}) / ln(1 + 10000000))
        + case
            when {{ following }} is not null then 20 * {{ counted }} / ({{ counted }} + {{ followed }} + 1)
            else 0
        end
        + case when {{ is_verified }} then 10 else 0 end
    {%- endset -%}
    case when {{ followers }} is not null then {{ round_to(points, 2) }} end
{%- endmacro %}

{#
    How much a profile writes: 100 points from fifty posts a day on, over all days from its creation to the crawl. The
    first day counts as a whole one.

    Never lower with more posts. Missing without the number of posts or the time of creation, and where that is later
    than the crawl.
#}
{% macro engagement_score(posts, created_at, crawled_at) -%}
    {%- set days = "greatest(" ~ seconds_between(created_at, crawled_at) ~ " / 86400, 1)" -%}
    {%- set points = "100 * least(1, ln(1 + greatest(cast(" ~ posts ~ " as double), 0) / " ~ days ~ ") / ln(1 + 50))" -%}
    case when {{ posts }} is not null and {{ created_at }} <= {{ crawled_at }} then {{ round_to(points, 2) }} end
{%- endmacro %}
