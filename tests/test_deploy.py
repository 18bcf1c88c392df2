"""The stack's files agree and keep their promises; that the stack runs is for tests/stack."""

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
KUBERAY = {
    document["kind"]: document["spec"]
    for document in yaml.safe_load_all((ROOT / "deploy/kuberay.yaml").read_text())
}
STACK = (ROOT / "docs/stack.md").read_text()
GIBIBYTE = 2**30


def pins(name: str) -> dict[str, str]:
    """The versions of a lock, by name."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / name).read_text(), re.MULTILINE))


def variables(operator: str) -> dict[str, str]:
    """Variables of the compose file with such an operator, and what follows it."""
    return dict(re.findall(rf"\$\{{(\w+){re.escape(operator)}([^}}]*)\}}", COMPOSE))


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_every_service_is_bounded_watched_and_closed(service: dict[str, Any]) -> None:
    assert {"test", "interval", "timeout", "retries"} <= set(service["healthcheck"])
    assert service["restart"] == "unless-stopped"
    assert re.search(r"\d+g\b", service["mem_limit"])
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    needs = service.get("depends_on", {}).values()
    assert all(need == {"condition": "service_healthy"} for need in needs)


def test_one_image_is_ours_and_the_others_are_named_in_the_docs() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    images = {service["image"] for service in SERVICES.values()}
    assert images == {"postgres:16-alpine", f"tuneyard:{version}"}
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert set(bases) == {"python:3.11-slim-bookworm"}
    assert all(f"`{image}`" in STACK for image in images | set(bases))
    builders = [name for name, service in SERVICES.items() if "build" in service]
    assert len(builders) == 1, "the image is built once"


def test_the_image_is_made_of_what_the_build_is_given() -> None:
    given = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert sorted(given) == sorted(" ".join(copies).split())


def test_secrets_have_no_default_and_are_in_the_example() -> None:
    required = variables(":?")
    assert {"POSTGRES_PASSWORD", "RAY_AUTH_TOKEN", "TUNEYARD_TOKENS"} <= set(required)
    assert all("make secrets" in message for message in required.values())
    assert not [name for name in variables(":-") if re.search("PASSWORD|TOKEN|SECRET", name)]
    blanks = re.findall(r"^(\w+)=(?:\w+:)?$", EXAMPLE, re.MULTILINE)
    assert sorted(blanks) == sorted(required)


def test_the_example_shows_every_option_with_its_default() -> None:
    gpu = (ROOT / "docker-compose.gpu.yml").read_text()
    defaults = variables(":-") | dict(re.findall(r"\$\{(\w+):-([^}]*)\}", gpu))
    shown = dict(re.findall(r"^#([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    # their defaults are volumes, no folders
    assert shown == defaults | {"TUNEYARD_DATA_VOLUME": "", "TUNEYARD_TASKS_VOLUME": ""}


def test_make_secrets(tmp_path: Path) -> None:
    for name in ("Makefile", ".env.example"):
        shutil.copy(ROOT / name, tmp_path)
    command = ["make", "--silent", "secrets"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    file = tmp_path / ".env"
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    # they stand in addresses
    secrets = re.findall(r"^\w+=(?:admin:)?([0-9a-f]{48})$", text, re.MULTILINE)
    assert len(set(secrets)) == len(variables(":?"))
    again = subprocess.run(command, cwd=tmp_path, check=False, timeout=60, capture_output=True)
    assert again.returncode != 0
    assert file.read_text() == text


def test_postgres_is_out_of_the_workers_reach() -> None:
    networks = yaml.safe_load(COMPOSE)["networks"]
    assert networks["database"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == ["database"]
    assert "ports" not in SERVICES["postgres"]
    assert "networks" not in SERVICES["ray-worker"]  # the default one alone


@pytest.mark.parametrize("name", ["ray-head", "ray-worker"])
def test_the_object_store_fits_into_shared_memory(name: str) -> None:
    (size,) = [part for part in SERVICES[name]["command"] if "object-store-memory" in part]
    assert SERVICES[name]["shm_size"] == "1g"
    assert int(size.partition("=")[2]) < GIBIBYTE


def test_gpus_are_reservations_of_the_workers_and_nothing_else() -> None:
    override = yaml.safe_load((ROOT / "docker-compose.gpu.yml").read_text())
    (devices,) = override["services"]["ray-worker"]["deploy"]["resources"]["reservations"].values()
    assert devices[0]["driver"] == "nvidia"
    resources = {"resources": {"reservations": {"devices": devices}}}
    assert override == {"services": {"ray-worker": {"deploy": resources}}}


def test_kubernetes_runs_the_same_cluster() -> None:
    cluster, job = KUBERAY["RayCluster"], KUBERAY["RayJob"]
    assert cluster["rayVersion"] == pins("requirements-stack.lock")["ray"]
    assert cluster["authOptions"]["mode"] == SERVICES["ray-head"]["environment"]["RAY_AUTH_MODE"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    nodes = [group["template"]["spec"] for group in groups]
    pods = [*nodes, job["submitterPodTemplate"]["spec"]]
    containers = [container for pod in pods for container in pod["containers"]]
    assert {one["image"] for one in containers} == {SERVICES["ray-head"]["image"]}

    head = cluster["headGroupSpec"]
    variables = {one["name"] for one in head["template"]["spec"]["containers"][0]["env"]}
    # KubeRay sets the token, and Kubernetes waits for a node to end
    ours = {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"}
    assert variables == set(SERVICES["ray-head"]["environment"]) - ours
    (resources,) = [part for part in SERVICES["ray-head"]["command"] if "--resources" in part]
    assert '"tuneyard_search"' in resources
    assert '"tuneyard_search"' in job["entrypointResources"]
    assert "tuneyard_search" in head["resources"]
    user = int(re.findall(r"useradd --uid (\d+)", DOCKERFILE)[0])
    assert {node["securityContext"]["runAsUser"] for node in nodes} == {user}


def test_a_kubernetes_job_that_runs_again_resumes_its_search() -> None:
    shell, option, script = shlex.split(KUBERAY["RayJob"]["entrypoint"])
    assert (shell, option) == ("sh", "-c")
    again, first = (shlex.split(command) for command in script.split("||"))
    name = first[first.index("--name") + 1]
    assert again == ["tuneyard", "resume", name, "--address", "auto"]
    assert first[:2] == ["tuneyard", "search"]
    # with a selector KubeRay would delete the cluster that is not the job's
    assert "backoffLimit" not in KUBERAY["RayJob"]


@pytest.mark.parametrize("flag", ["c", "x"])
def test_the_docs_back_up_and_restore_every_volume_that_can_not_be_had_again(flag: str) -> None:
    volumes = set(yaml.safe_load(COMPOSE)["volumes"]) - {"cache", "data", "tasks"}
    archived = re.findall(rf"compose run --rm --no-deps -T (\S+) tar -C / -{flag}z ?(\w*)", STACK)
    files = re.findall(rf"tar -C / -{flag}z.*[<>] (\w+)\.tar\.gz", STACK)
    for (service, folder), name in zip(archived, files, strict=True):
        assert folder in ("", name)
        assert f"{name}:/{name}" in SERVICES[service]["volumes"]
    database = "pg_dumpall -U postgres > " if flag == "c" else "psql -q -U postgres < "
    assert f"{database}backup.sql" in STACK
    assert {*files, "postgres"} == volumes


def test_searches_are_in_one_folder_everywhere() -> None:
    storage = re.findall(r"TUNEYARD_STORAGE=(\S+)", DOCKERFILE)
    groups = [KUBERAY["RayCluster"]["headGroupSpec"], *KUBERAY["RayCluster"]["workerGroupSpecs"]]
    for group in groups:
        (container,) = group["template"]["spec"]["containers"]
        assert [mount["mountPath"] for mount in container["volumeMounts"]] == storage
    for name in ("ray-head", "ray-worker"):
        assert f"searches:{storage[0]}" in SERVICES[name]["volumes"]


def test_the_stack_has_the_versions_of_the_lock() -> None:
    lock = (ROOT / "requirements-stack.lock").read_text()
    stack = pins("requirements-stack.lock")
    assert {"ray", "mlflow", "torch", "fastapi", "psycopg"} <= set(stack)
    assert "pytest" not in stack
    assert stack.items() <= pins("requirements.lock").items()
    assert "://" not in lock, "it holds no address of an index"
    assert lock.count("--hash=") >= len(stack)
