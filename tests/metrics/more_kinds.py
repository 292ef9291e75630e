"""Metrics of kinds that the project has none of yet, declared beside its own in a copy of the semantic manifest."""

import copy
import json
from pathlib import Path
from typing import Any

NAMES = (
    "trips_so_far",
    "trips_of_seven_days",
    "trips_since_the_month_began",
    "trips_on_every_day",
    "trips_of_the_week_before",
    "yellow_trips_after_green_ones",
)


def with_more_kinds(manifest: Path, target: Path) -> None:
    """Write the manifest with the metrics added."""
    declared = json.loads(manifest.read_text())
    by_name = {metric["name"]: metric for metric in declared["metrics"]}
    declared["metrics"] += [_metric(by_name, name) for name in NAMES]
    target.write_text(json.dumps(declared))


def _metric(by_name: dict[str, Any], name: str) -> dict[str, Any]:
    is_derived = name == "trips_of_the_week_before"
    metric: dict[str, Any] = copy.deepcopy(by_name["citibike_mode_share_pct" if is_derived else "total_trips"])
    metric |= {"name": name, "label": name}
    parameters = metric["type_params"]
    cumulative = {"window": None, "grain_to_date": None, "period_agg": "first", "metric": None}
    match name:
        case "trips_so_far":
            parameters["cumulative_type_params"] = cumulative
        case "trips_of_seven_days":
            parameters["cumulative_type_params"] = cumulative | {"window": {"count": 7, "granularity": "day"}}
        case "trips_since_the_month_began":
            parameters["cumulative_type_params"] = cumulative | {"grain_to_date": "month", "period_agg": "last"}
        case "trips_on_every_day":
            for measure in (parameters["measure"], *parameters["input_measures"]):
                measure |= {"join_to_timespine": True, "fill_nulls_with": 0}
        case "trips_of_the_week_before":
            before = {"count": 7, "granularity": "day"}
            parameters["expr"] = "total_trips - 0.5 * trips_before"
            parameters["metrics"] = [
                {"name": "total_trips", "filter": None, "alias": None, "offset_window": None, "offset_to_grain": None},
                {"name": "total_trips", "filter": None, "alias": "trips_before", "offset_window": before}
                | {"offset_to_grain": None},
            ]
            parameters["input_measures"] = parameters["input_measures"][1:]
        case "yellow_trips_after_green_ones":
            measures = {
                part: parameters["measure"] | {"name": measure}
                for part, measure in (("base_measure", "green_taxi_trips"), ("conversion_measure", "yellow_taxi_trips"))
            }
            parameters["conversion_type_params"] = measures | {
                "entity": "pickup_location",
                "calculation": "conversion_rate",
                "window": {"count": 1, "granularity": "day"},
                "constant_properties": None,
            }
            parameters["input_measures"] = [*measures.values()]
            parameters["measure"] = None
    if parameters["cumulative_type_params"]:
        metric["type"] = "cumulative"
    if parameters["conversion_type_params"]:
        metric["type"] = "conversion"
    return metric
