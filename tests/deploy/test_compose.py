"""compose.yaml: valid, and every service is bounded, checked, unprivileged and closed to the outside."""

import re
import shlex
import shutil
import subprocess
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml

from warehouse.paths import PROJECT_ROOT

COMPOSE = yaml.safe_load((PROJECT_ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "nyc-mobility:" in service["image"]]
PROFILES = {
    "streams": {"kafka", "schema-registry"},
    "lake": {"s3"},
    "monitoring": {"prometheus", "pushgateway", "grafana"},
}

every_service = pytest.mark.parametrize("name", SERVICES)


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def test_it_is_a_compose_file() -> None:
    check = [_program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    run = subprocess.run(check, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_it_has_what_a_team_needs_and_the_rest_by_profile() -> None:
    without = {name for name, service in SERVICES.items() if not service.get("profiles")}
    assert without == {"code", "webserver", "daemon", "portal", "metrics", "postgres"}
    for profile, members in PROFILES.items():
        assert {name for name, service in SERVICES.items() if service.get("profiles") == [profile]} == members


@every_service
def test_a_service_is_checked_bounded_and_started_again(name: str) -> None:
    service = SERVICES[name]
    health, limits = service["healthcheck"], service["deploy"]["resources"]["limits"]
    assert health["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= health.keys()
    assert {"cpus", "memory", "pids"} <= limits.keys()
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"].keys() >= {"max-size", "max-file"}


@every_service
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["init"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.keys() & {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "volumes_from"}
    assert service.get("user") not in {"root", "0", "0:0"}


@every_service
def test_a_port_is_of_this_machine_alone(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z0-9_]+_PORT:-\d+\}:\d+", port)


def test_no_two_services_have_the_same_port() -> None:
    ports = [port.split(":")[2] for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(set(ports)) == len(ports)


@every_service
def test_the_tag_of_an_image_is_exact(name: str) -> None:
    assert re.search(r":v?\d+\.\d+(\.\d+)?(-[a-z0-9]+)?\}?$", SERVICES[name]["image"])


@every_service
def test_a_secret_is_a_file(name: str) -> None:
    service = SERVICES[name]
    read = set()
    for variable, value in service.get("environment", {}).items():
        if re.search("PASSWORD|SECRET|TOKEN|ACCESS_KEY", variable):
            assert variable.endswith("_FILE")
            assert Path(value).parent == Path("/run/secrets")
            read.add(Path(value).name)
    read |= set(re.findall(r"/run/secrets/(\w+)", str(service.get("command"))))
    assert read == set(service.get("secrets", []))
    assert read <= COMPOSE["secrets"].keys()


@every_service
def test_what_is_mounted_is_there(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, _, mode = volume.split(":", 2) if volume.count(":") == 2 else (*volume.split(":"), "rw")
        if source.startswith("."):
            assert (PROJECT_ROOT / source).exists(), source
            assert mode == "ro"
        else:
            assert source in COMPOSE["volumes"]


def test_every_volume_and_network_is_used() -> None:
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert COMPOSE["volumes"].keys() <= mounted
    assert COMPOSE["networks"].keys() == {net for service in SERVICES.values() for net in service["networks"]}


def test_only_dagster_writes_the_data() -> None:
    writers = {name for name, service in SERVICES.items() if "data:/app/data" in service.get("volumes", [])}
    assert writers == {"code", "daemon"}


def test_postgres_and_the_code_location_are_not_reached_from_outside() -> None:
    assert SERVICES["postgres"]["networks"] == ["storage"]
    assert "ports" not in SERVICES["code"]
    assert all(COMPOSE["networks"][name] == {"internal": True} for name in COMPOSE["networks"] if name != "outside")
    assert {name for name in SERVICES if "dagster" in SERVICES[name]["networks"]} == {"code", "webserver", "daemon"}


@pytest.mark.parametrize("name", OURS)
def test_the_command_and_the_health_check_of_our_image_exist(name: str) -> None:
    service = SERVICES[name]
    for command in (service["command"], service["healthcheck"]["test"][1:]):
        program = next(word for word in command if word != "with-secrets")
        if program.startswith("/app/"):
            file = PROJECT_ROOT / program.removeprefix("/app/")
            assert file.stat().st_mode & 0o111
            assert f"!{program.removeprefix('/app/')}" in (PROJECT_ROOT / ".dockerignore").read_text().splitlines()
        else:
            assert shutil.which(program), program


def test_options_of_dagster_are_known_to_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each `--option` of a Dagster command is in that command's help."""
    script = (PROJECT_ROOT / "deploy/code_location.sh").read_text()
    served = shlex.split(script[script.index("exec ") + len("exec ") :])
    commands = [served, SERVICES["webserver"]["command"], SERVICES["daemon"]["command"]]
    for command in commands:
        words = [word for word in command if not word.startswith("-")]
        name = (
            words[:3] if words[:2] == ["dagster", "api"] else words[:2] if words[0] == "dagster-daemon" else words[:1]
        )
        [program] = entry_points(group="console_scripts", name=name[0])
        monkeypatch.setattr("sys.argv", [*name, "--help"])
        with pytest.raises(SystemExit):
            program.load()()
        shown = capsys.readouterr().out
        for option in (word for word in command if word.startswith("--")):
            assert option in shown, (name, option)


def test_the_workspace_names_the_code_location_as_it_is_served() -> None:
    [location] = yaml.safe_load((PROJECT_ROOT / "deploy/workspace.yaml").read_text())["load_from"]
    server = location["grpc_server"]
    assert server["host"] in SERVICES
    assert f"--port {server['port']}" in (PROJECT_ROOT / "deploy/code_location.sh").read_text()


def test_settings_of_containers_are_settings_of_the_platform() -> None:
    def variables(file: str) -> set[str]:
        return set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (PROJECT_ROOT / file).read_text(), re.MULTILINE))

    assert variables("deploy/settings.env.example") <= variables(".env.example")


def test_variables_of_compose_are_described_with_their_defaults() -> None:
    described = (PROJECT_ROOT / ".env.example").read_text().splitlines()
    found = re.findall(r"\$\{([A-Z0-9_]+):-([^}]+)\}", (PROJECT_ROOT / "compose.yaml").read_text())
    assert found
    for name, default in found:
        if name != "DUCKDB_MEMORY_LIMIT":
            value = f"'{default}'" if " " in default else default
            assert f"# {name}={value}" in described
