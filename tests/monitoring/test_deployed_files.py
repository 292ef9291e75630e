"""Rules, dashboard and configuration: each is valid, and names only figures that there are."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from monitoring.broker_figures import broker_figures
from monitoring.feed_figures import feed_figures, row_figures
from monitoring.ledger_figures import check_figures, run_figures, stream_figures, table_figures
from monitoring.runbooks import Runbook
from tests.monitoring.reading import needs_promtool
from warehouse.ledger import Ledger, utc_now
from warehouse.paths import PROJECT_ROOT

PROMETHEUS, GRAFANA = PROJECT_ROOT / "deploy/prometheus", PROJECT_ROOT / "deploy/grafana"
RULES = [rule for group in yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((GRAFANA / "dashboards/platform.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
_FIGURE = re.compile(r"\bnyc_[a-z_]+")


@pytest.fixture(scope="module")
def names() -> set[str]:
    """Every figure of the server: those of an empty ledger, and those of storage and disks as the code has them."""
    with duckdb.connect() as connection, pytest.MonkeyPatch.context() as patch:
        Ledger(connection)
        patch.setattr("monitoring.broker_figures.lag", lambda *_: [])
        figures = [*feed_figures(connection, utc_now()), *row_figures([]), *broker_figures({})]
        for ask in (run_figures, table_figures, check_figures, stream_figures):
            figures += ask(connection)
    written = "".join(
        (PROJECT_ROOT / "monitoring" / f"{module}.py").read_text()
        for module in ("dagster_figures", "place_figures", "sources")
    )
    return {figure.name for figure in figures} | set(re.findall(r'"(nyc_[a-z_]+)"', written))


def _run(*command: str, cwd: Path = PROMETHEUS) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_promtool_finds_nothing_wrong_with_rules_and_configuration() -> None:
    assert f"{len(RULES)} rules found" in _run("promtool", "check", "rules", "--lint-fatal", "rules.yml")
    _run("promtool", "check", "config", "--lint-fatal", "prometheus.yml")


@needs_promtool
def test_alerts_come_when_they_should_and_end() -> None:
    assert "SUCCESS" in _run("promtool", "test", "rules", "rules_test.yml")


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any], names: set[str]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["for"]
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] in {runbook.url for runbook in Runbook}
    assert set(_FIGURE.findall(rule["expr"] + rule["annotations"]["description"])) <= names


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_of_each_alert_it_is_tested_that_it_comes_and_ends(rule: dict[str, Any]) -> None:
    cases = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text())["tests"]
    case = next(each for each in cases if each["name"] == rule["alert"])
    assert [len(each["exp_samples"]) for each in case["promql_expr_test"]] == [0, 1, 0]


def _expressions() -> Iterator[tuple[str, str]]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


@pytest.mark.parametrize(("title", "expression"), _expressions())
def test_a_panel_names_figures_that_there_are(title: str, expression: str, names: set[str]) -> None:
    assert title
    assert set(_FIGURE.findall(expression)) <= names


@needs_promtool
def test_every_expression_of_the_dashboard_is_valid(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel_{number}", "expr": expression.replace("$instance", ".*")}
        for number, (_, expression) in enumerate(_expressions())
    ]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in _run("promtool", "check", "rules", str(path))


def test_panels_have_a_place_and_a_source_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    [source] = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert {panel["datasource"]["uid"] for panel in PANELS} == {source["uid"]}
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in PANELS)


def test_the_figures_of_an_empty_ledger_are_clean(names: set[str]) -> None:
    assert len(names) > 60
    if shutil.which("promtool"):
        text = "".join(f"# HELP {name} x\n# TYPE {name} {_type(name)}\n{name} 1\n" for name in sorted(names))
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def _type(name: str) -> str:
    return "counter" if name.endswith("_total") else "gauge"
