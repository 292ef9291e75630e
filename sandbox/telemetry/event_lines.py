"""The lines of the sandbox's event files, as SQL: events of pipelines, and profiles that a crawler found.

A line is drawn from its number and the seed alone, so it is the same whichever lines are made with it. Every 200th line
has one of the oddities below, each at a place of its own; the sample of 30 events has the first few of them.
"""

from dataclasses import dataclass
from datetime import datetime

from sandbox.distributions import choice, first_key, quantiles, uniforms
from warehouse.sql import literal

WORKSPACES = ("analytics", "billing", "crawling")
# Of each workspace.
PIPELINES = ("collect", "clean", "score", "report")

# An odd line is at its place of every so many.
ODD_EVERY = 200
DUPLICATE, UNKNOWN_FIELD, ENDS_BEFORE_START, TEXT_ROWS, LATE = 7, 11, 19, 23, 27
NOT_JSON, NOT_AN_OBJECT, UNKNOWN_STATUS, WITHOUT_WORKSPACE, WORDS_FOR_ROWS = 47, 83, 131, 151, 163
# Of profiles.
DUPLICATE_PROFILE, BROKEN_PROFILE, EMPTY_PROFILE = 109, 131, 157

_EVENTS, _PROFILES = 40, 41
_SEEDS = 4096

# Synonyms come too, in any case of letters.
_STATUSES = {
    "'success'": 0.66,
    "'succeeded'": 0.05,
    "'COMPLETED'": 0.04,
    "'ok'": 0.03,
    "'failed'": 0.14,
    "'failure'": 0.02,
    "'cancelled'": 0.02,
    "'skipped'": 0.02,
    "'running'": 0.02,
}
_ERRORS = {
    "'TimeoutError: no answer within 30 s'": 0.5,
    "'ConnectionError: the database refused'": 0.3,
    "'ValueError: expected a number'": 0.2,
}
_SECONDS = {0.0: 2, 0.5: 45, 0.9: 300, 1.0: 1_500}
_ROWS = {0.0: 0, 0.5: 4_000, 0.9: 60_000, 1.0: 400_000}
_FOLLOWERS = {0.0: 3, 0.5: 900, 0.9: 40_000, 1.0: 9_000_000}
_FIRST_NAMES = ("ada", "grace", "alan", "edsger", "barbara", "donald", "frances", "ken", "dennis", "radia")


@dataclass(frozen=True)
class Sample:
    """What is asked for: so many lines of events over so many hours from `first` (UTC), and so many profiles a day."""

    first: datetime
    hours: int
    events: int
    profiles: int
    files_an_hour: int = 2
    seed: int = 0
    is_tidy: bool = False

    @property
    def days(self) -> int:
        """How many days (UTC) the hours are of."""
        begins = self.first.hour
        return (begins + self.hours + 23) // 24

    def first_line(self, hour: int) -> int:
        """The number of the first line of an hour, counted from 0; of the hour after the last: how many there are."""
        return -(-hour * self.events // self.hours)


def event_lines(sample: Sample, first_hour: int, last_hour: int) -> str:
    """SQL for the lines of some hours, the last one not included.

    Columns: `hour`, `part` (which file of the hour), `number`, `line`.
    """
    first, end = sample.first_line(first_hour), sample.first_line(last_hour)
    key = first_key(_EVENTS, sample.seed % _SEEDS, 0)
    words = "workspace pipeline status finished duration rows error attempt"
    odd = f"(number % {ODD_EVERY})" if not sample.is_tidy else "-1"
    names, pipelines = _list(WORKSPACES), _list(PIPELINES)
    return f"""
        with numbers as (select unnest(range({first}, {end})) as number),

        placed as (
            select
                number,
                {odd} as odd,
                number * {sample.hours} // {sample.events} as hour,
                -- A line that comes twice is drawn as the one before it.
                if({odd} = {DUPLICATE}, number - 1, number) as event
            from numbers
        ),

        drawn as (
            select
                *,
                {uniforms("event", key, words)},
                -- A late event ended in the hour before that of its file.
                {_timestamp(sample.first)} + to_hours(
                    (event * {sample.hours} // {sample.events} - if(odd = {LATE}, 1, 0))::integer
                ) as hour_begins,
                row_number() over (partition by hour order by number) - 1 as position,
                count(*) over (partition by hour) as lines
            from placed
        ),

        shaped as (
            select
                *,
                {choice("u_status", _STATUSES)} as status,
                list_extract({names}, 1 + floor(u_workspace * {len(WORKSPACES)})::integer) as workspace,
                list_extract({pipelines}, 1 + floor(u_pipeline * {len(PIPELINES)})::integer) as pipeline,
                hour_begins + to_microseconds(floor(u_finished * 3_599_000_000)::bigint) as ended,
                to_microseconds(floor(1_000_000 * {quantiles("u_duration", _SECONDS)})::bigint) as duration,
                floor({quantiles("u_rows", _ROWS)})::bigint as row_count
            from drawn
        ),

        events as (
            select
                *,
                status = 'running' as is_running,
                to_json({{
                    'event_id': 'event-' || {sample.seed} || '-' || event,
                    'workspace': if(odd = {WITHOUT_WORKSPACE}, null, workspace),
                    'pipeline': pipeline,
                    'run_id': 'run-' || {sample.seed} || '-' || event,
                    'status': if(odd = {UNKNOWN_STATUS}, 'exploded', status),
                    'started_at': strftime(ended - duration, '%Y-%m-%dT%H:%M:%S.%fZ'),
                    'finished_at': if(
                        is_running,
                        null,
                        strftime(if(odd = {ENDS_BEFORE_START}, ended - 2 * duration, ended), '%Y-%m-%dT%H:%M:%S.%fZ')
                    ),
                    'rows': case
                        when odd = {WORDS_FOR_ROWS} then to_json('many')
                        when odd = {TEXT_ROWS} then to_json(row_count::varchar)
                        else to_json(row_count)
                    end,
                    'error': if(status in ('failed', 'failure'), {choice("u_error", _ERRORS)}, null),
                    'payload': {{'attempt': 1 + floor(3 * u_attempt)::integer, 'host': 'worker-' || event % 7}}
                }})::varchar as json
            from shaped
        )

        select
            hour,
            position * {sample.files_an_hour} // lines as part,
            number,
            case
                when odd = {NOT_JSON} then json[:-20]
                when odd = {NOT_AN_OBJECT} then '["event", ' || event || ']'
                when odd = {UNKNOWN_FIELD} then json[:-2] || ',"region":"eu-west"}}'
                else json
            end as line
        from events
    """


def profile_lines(sample: Sample, day: int) -> str:
    """SQL for the lines of a day, counted from 0: `number`, `line`. Each user is crawled once, at some time of it."""
    numbers = f"unnest(range({sample.profiles}))"
    key = first_key(_PROFILES, sample.seed % _SEEDS, 0)
    words = "followers following posts verified created crawled grown"
    odd = f"(number % {ODD_EVERY})" if not sample.is_tidy else "-1"
    today = f"(date_trunc('day', {_timestamp(sample.first)}) + to_days({day}))"
    return f"""
        with drawn as (
            select *, {uniforms("person", key, words)}
            from (
                select number, {odd} as odd, if({odd} = {DUPLICATE_PROFILE}, number - 1, number) as person
                from (select {numbers} as number)
            )
        ),

        counted as (
            select
                *,
                list_extract({_list(_FIRST_NAMES)}, 1 + (person % {len(_FIRST_NAMES)})::integer) as first_name,
                floor({quantiles("u_followers", _FOLLOWERS)} * (1 + 0.002 * u_grown * {day}))::bigint as followers,
                floor(2000 * u_following)::bigint as following,
                floor(5000 * u_posts)::bigint + {day} as posts
            from drawn
        ),

        profiles as (
            select
                *,
                to_json({{
                    'user_name': first_name || '_' || person,
                    'display_name': if(odd = {EMPTY_PROFILE}, null, upper(first_name[1]) || first_name[2:]),
                    'followers': if(odd = {EMPTY_PROFILE}, null, followers),
                    'following': following,
                    'posts': posts,
                    'verified': u_verified < 0.3,
                    'created_at': strftime(
                        timestamp '2012-01-01' + to_hours(floor(u_created * 80_000)::integer), '%Y-%m-%dT%H:%M:%SZ'
                    ),
                    'crawled_at': strftime(
                        {today} + to_seconds(floor(u_crawled * 86_000)::integer + if(odd = {DUPLICATE_PROFILE}, 60, 0)),
                        '%Y-%m-%dT%H:%M:%SZ'
                    ),
                    'raw_json': {{'source': 'sandbox', 'followers_count': followers, 'statuses_count': posts}}
                }})::varchar as json
            from counted
        )

        select number, if(odd = {BROKEN_PROFILE}, json[:-20], json) as line from profiles
    """


def _timestamp(when: datetime) -> str:
    return f"timestamp {literal(f'{when:%Y-%m-%d %H:%M:%S}')}"


def _list(values: tuple[str, ...]) -> str:
    return f"[{', '.join(literal(value) for value in values)}]"
