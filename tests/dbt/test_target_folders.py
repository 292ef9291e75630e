"""Each engine has its manifests in a folder of its own: what others read has DuckDB's names."""

from types import SimpleNamespace

import jinja2
import pytest
import yaml

from warehouse.paths import PROJECT_ROOT, dbt_target_folder

DBT = PROJECT_ROOT / "dbt"
TARGETS = yaml.safe_load((DBT / "profiles.yml").read_text())["nyc_mobility"]["outputs"]


@pytest.mark.parametrize("name", TARGETS)
def test_only_spark_writes_elsewhere(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBT_TARGET_PATH", raising=False)
    said = yaml.safe_load((DBT / "dbt_project.yml").read_text())["target-path"]
    folder = DBT / jinja2.Template(said).render(target=SimpleNamespace(name=name))
    assert (folder == dbt_target_folder()) == (TARGETS[name]["type"] == "duckdb")
