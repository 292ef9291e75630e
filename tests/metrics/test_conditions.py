"""One condition on dimensions is handed on; whatever else SQL or templates can say is refused."""

import pytest

from metrics.conditions import ConditionError, as_filter


@pytest.mark.parametrize(
    "condition",
    [
        "trip__is_rain",
        "trip__trip_type = 'fhv' and trip__is_rain",
        "not trip__is_snow or trip__trip_type in ('fhv', 'citibike')",
        "metric_time__day between date '2025-01-01' and '2025-02-01'",
        "metric_time__day >= timestamp '2025-01-01' + interval 1 day",
        "lower(pickup_location__zone_name) like '%a__b%'",
        "pickup_location__zone_name = 'Governor''s Island -- ; union'",
        "case when trip__is_rain then trip__is_snow else false end",
        "trip__hour_of_day + 1 > cast('3' as int)",
        "trip__rider_type is not null",
        "{{ Dimension('trip__rider_type') }} = 'member'",
        "{{ TimeDimension('metric_time', 'month') }} > '2025-01-01' and trip__is_rain",
        "{{ Dimension('metric_time').grain('month') }} = '2025-01-01'",
        "{{ Metric('total_trips', ['trip']) }} > 3",
    ],
)
def test_conditions_are_handed_on_in_parentheses(condition: str) -> None:
    written = as_filter(condition)
    assert written[0] + written[-1] == "()"


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "  ",
        "trip__trip_type = ",
        "trip__trip_type = '",
        "trip__trip_type = 'x'; copy (select 1) to 'x.csv'",
        "trip__trip_type = 'x'\n; select 1",
        "trip__trip_type = 'x') union select (1",
        "trip__trip_type = 'x' union all select 2",
        "trip__trip_type = 'x') or (trip__is_rain",
        "(trip__is_rain",
        "trip__trip_type = 'x' -- and",
        "trip__trip_type = 'x' /* and */",
        "trip__trip_type in (select 'x')",
        "trip__trip_type in (select 'x' from read_csv('http://127.0.0.1:9/x.csv'))",
        "trip__trip_type = error((select content from read_text('/etc/passwd')))",
        "trip__trip_type = (from '/etc/passwd')",
        "exists (from core_core.fct_trips)",
        "trip__is_rain order by 1",
        "trip__is_rain limit 1",
        "trip__is_rain group by 1",
        "trip__is_rain qualify true",
        "row_number() over () > 1",
        "columns(*) = 1",
        "trip__trip_type = $1",
        "total_amount > 1",
        "s.trip__trip_type = 'x'",
        "{{ ''.__class__.__mro__ }} = 1",
        "{{ Dimension('trip__trip_type').__class__ }} = 1",
        "{{ Dimension('a' ~ 'b') }} = 1",
        "trip__trip_type = '{{ 7 * 7 }}'",
        "{% for x in [1] %}trip__is_rain{% endfor %}",
        "{# nothing #} trip__is_rain",
    ],
)
def test_everything_else_is_refused_in_few_words(condition: str) -> None:
    with pytest.raises(ConditionError, match="expected one condition") as refused:
        as_filter(condition)
    assert len(str(refused.value)) < 600
