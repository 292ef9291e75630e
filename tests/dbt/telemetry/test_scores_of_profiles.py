"""The scores of profiles over thousands of random ones: bounded, monotone, and missing where they say so."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.contracts.graph.nodes import SqlNode

from tests.dbt.small_warehouse import Warehouse, parsed_project

SCORED = """
    select
        *,
        {{ influence_score('followers', 'following', 'is_verified') }} as influence,
        {{ engagement_score('posts', 'created_at', 'crawled_at') }} as engagement
    from given
"""

# Counts of all sizes up to the largest that a bigint holds, 0 among them and some missing; profiles created at any time
# around the crawl, many on the day of it.
PROFILES = """
    select setseed(0.14);
    create table profiles as
    with sizes as (
        select
            number, random() as chance, timestamp '2026-03-02 12:00:00' as crawled_at,
            [cast(floor(exp(random() * 43.6)) - 1 as bigint) for _ in range(3)] as counts
        from range(20000) as numbers (number)
    )
    select
        number, crawled_at,
        case when random() > 0.05 then counts[1] end as followers,
        case when random() > 0.05 then counts[2] end as following,
        case when random() > 0.05 then counts[3] end as posts,
        case when random() > 0.1 then random() > 0.5 end as is_verified,
        case
            when chance > 0.05
            then crawled_at - to_microseconds(cast((random() - 0.05) * exp(random() * 12) * 3600e6 as bigint))
        end as created_at
    from sizes
"""


@pytest.fixture(scope="module")
def scored_sql(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The macros' own SQL."""
    scratch: Path = tmp_path_factory.mktemp("scores")
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch, parsed_project())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCKDB_DATABASE_PATH", str(warehouse.path))
        compiled = warehouse.dbt("compile", "--inline", SCORED)
    assert compiled.success, warehouse.said
    assert isinstance(compiled.result, RunExecutionResult)
    (result,) = compiled.result.results
    assert isinstance(result.node, SqlNode)
    assert result.node.compiled_code
    return result.node.compiled_code


@pytest.fixture
def profiles(scored_sql: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Random profiles, and a view `scored` of each of them and of those that have more of something."""
    with duckdb.connect() as connection:
        connection.execute(PROFILES)
        connection.execute(
            f"""
            create table given as
            select 'itself' as change, * from profiles
            union all by name
            select 'followers' as change, * replace (followers + least(followers + 1, 1000000000) as followers)
            from profiles where followers < 4e18
            union all by name
            select 'one follower' as change, * replace (followers + 1 as followers) from profiles where followers < 4e18
            union all by name
            select 'following' as change, * replace (following + least(following + 1, 1000000000) as following)
            from profiles where following < 4e18
            union all by name
            select 'posts' as change, * replace (posts + least(posts + 1, 1000000000) as posts)
            from profiles where posts < 4e18;
            create table scored as {scored_sql}
            """
        )
        yield connection


def _wrong(connection: duckdb.DuckDBPyConnection, condition: str) -> list[tuple[object, ...]]:
    query = f"""
        from (from scored where change = 'itself') as before
        inner join (from scored where change <> 'itself') as after using (number)
        select before, after where {condition} limit 3
    """
    return connection.execute(query).fetchall()


def test_scores_are_bounded_and_spread(profiles: duckdb.DuckDBPyConnection) -> None:
    for score in ("influence", "engagement"):
        ((low, high, values),) = profiles.execute(
            f"select min({score}), max({score}), count(distinct {score}) from scored"
        ).fetchall()
        assert 0 <= low < 1, score
        assert 99 < high <= 100, score
        assert values > 1000, score


def test_more_followers_never_lower_the_influence(profiles: duckdb.DuckDBPyConnection) -> None:
    condition = "after.change in ('followers', 'one follower') and {}"
    assert _wrong(profiles, condition.format("after.influence < before.influence")) == []
    assert _wrong(profiles, condition.format("after.influence > before.influence"))


def test_following_more_never_raises_the_influence(profiles: duckdb.DuckDBPyConnection) -> None:
    assert _wrong(profiles, "after.change = 'following' and after.influence > before.influence") == []
    assert _wrong(profiles, "after.change = 'following' and after.influence < before.influence")


def test_more_posts_never_lower_the_engagement(profiles: duckdb.DuckDBPyConnection) -> None:
    assert _wrong(profiles, "after.change = 'posts' and after.engagement < before.engagement") == []
    assert _wrong(profiles, "after.change = 'posts' and after.engagement > before.engagement")


def test_a_score_is_missing_where_what_it_is_of_is(profiles: duckdb.DuckDBPyConnection) -> None:
    ((scored, unlike),) = profiles.execute(
        """
        select
            count(influence) > 0 and count(*) > count(influence) and count(engagement) > 0,
            count(*) filter (
                (influence is null) <> (followers is null)
                or (engagement is null) <> (posts is null or created_at is null or created_at > crawled_at)
            )
        from scored
        """
    ).fetchall()
    assert scored
    assert unlike == 0


def test_what_is_not_known_gives_no_points(profiles: duckdb.DuckDBPyConnection) -> None:
    ((unknown, compared),) = profiles.execute(
        """
        select
            max(influence - 70 * least(1, ln(1 + followers) / ln(10000001))) filter (
                following is null and is_verified is null
            ),
            count(*) filter (following is null and is_verified is null and followers > 0)
        from scored
        """
    ).fetchall()
    assert compared > 10
    assert unknown < 0.01


@pytest.mark.parametrize(
    ("counts", "verified", "influence"),
    [((0, 0), False, 0), ((0, 0), True, 10), ((10**7, 0), True, 100), ((10**18, 0), True, 100), ((9, 10), False, 19)],
)
def test_the_ends_of_the_influence(scored_sql: str, counts: tuple[int, int], verified: bool, influence: float) -> None:
    given = """
        create table given as
        select
            $1 as followers, $2 as following, $3 as is_verified, 0 as posts,
            timestamp '2026-03-02' as created_at, timestamp '2026-03-02' as crawled_at
    """
    with duckdb.connect() as connection:
        connection.execute(given, [*counts, verified])
        assert connection.execute(f"select influence, engagement from ({scored_sql})").fetchall() == [(influence, 0)]
