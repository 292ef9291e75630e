"""What the semantic manifest says about the metrics of a subject."""

from typing import Any

from metrics.semantic_manifest import tables_beside


def _model(schema: str, table: str, *measures: str) -> dict[str, Any]:
    return {
        "node_relation": {"schema_name": schema, "alias": table},
        "measures": [{"name": name} for name in measures],
    }


def _metric(name: str, kind: str, **parameters: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "type_params": {"metrics": [], **parameters}}


MANIFEST = {
    "semantic_models": [
        _model("plays", "fct_plays", "plays"),
        _model("plays", "fct_daily_plays", "days"),
        _model("sales", "fct_sales", "sales"),
    ],
    "metrics": [
        _metric("plays", "simple", measure={"name": "plays"}),
        _metric("days", "simple", measure={"name": "days"}),
        _metric("plays_a_day", "ratio", numerator={"name": "plays"}, denominator={"name": "days"}),
        _metric("doubled", "derived", metrics=[{"name": "plays_a_day"}]),
        _metric("sales", "simple", measure={"name": "sales"}),
    ],
}


def test_a_metric_knows_the_facts_of_its_own_subject() -> None:
    assert tables_beside(MANIFEST, ["doubled"]) == {"fct_plays", "fct_daily_plays"}
    assert tables_beside(MANIFEST, ["sales"]) == {"fct_sales"}
    assert tables_beside(MANIFEST, []) == set()
