"""The deployment's files for tests: what they start, with which settings, and what they look at."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

ROOT: Final = Path(__file__).parents[1]
COMPOSE: Final = ROOT / "docker-compose.yml"
DOCKERFILE: Final = ROOT / "deploy" / "Dockerfile"
KUBERNETES: Final = ROOT / "deploy" / "kubernetes"
ALERTS: Final = ROOT / "deploy" / "prometheus" / "alerts.yml"
SCRAPES: Final = ROOT / "deploy" / "prometheus" / "prometheus.yml"
DASHBOARD: Final = ROOT / "deploy" / "grafana" / "dashboards" / "touchline.json"
PROVISIONING: Final = ROOT / "deploy" / "grafana" / "provisioning"
RUNBOOK: Final = ROOT / "deploy" / "runbook.md"
GUIDE: Final = ROOT / "docs" / "cluster.md"
IMAGE: Final = "touchline"
PORT: Final = 8080
"""Of every service of ours, in its container."""
Yaml: TypeAlias = dict[str, Any]


def read(path: Path) -> Any:
    """The one document of a YAML file."""
    return yaml.safe_load(path.read_text())


def compose() -> Yaml:
    """Services by name."""
    services: Yaml = read(COMPOSE)["services"]
    return services


def ours() -> Yaml:
    """The services of docker-compose.yml that run our image."""
    return {name: one for name, one in compose().items() if _is_ours(one["image"])}


def manifests() -> Sequence[Yaml]:
    """Every object of the Kubernetes manifests, the kustomization aside."""
    listed = read(KUBERNETES / "kustomization.yaml")["resources"]
    return [one for name in listed for one in yaml.safe_load_all((KUBERNETES / name).read_text())]


def pods() -> Mapping[str, Yaml]:
    """What a pod of each Deployment and Job is, by its name."""
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]
        for one in manifests()
        if one["kind"] in {"Deployment", "Job"}
    }


def config_map() -> Mapping[str, str]:
    """The settings that the kustomization gives all pods."""
    (generated,) = read(KUBERNETES / "kustomization.yaml")["configMapGenerator"]
    return dict(literal.split("=", 1) for literal in generated["literals"])


@dataclass(frozen=True, slots=True)
class Started:
    """How a service of ours is started: its command, settings, and files of secrets."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    """Path below the directory of secrets → name of the secret, as Compose has it."""


def composed() -> Mapping[str, Started]:
    """Every start of our image in docker-compose.yml."""
    return {
        name: Started(
            service["command"],
            {key: _defaulted(str(value)) for key, value in service["environment"].items()},
            {one["target"]: one["source"] for one in service["secrets"]},
        )
        for name, service in ours().items()
    }


def orchestrated() -> Mapping[str, Started]:
    """Every start of our image on Kubernetes."""
    return {
        name: Started(pod["containers"][0]["args"], config_map(), _projected(pod))
        for name, pod in pods().items()
    }


def image_environment() -> Mapping[str, str]:
    """The settings of ours that the image brings along."""
    return dict(re.findall(r"\b(TOUCHLINE_\w+)=(\S+)", DOCKERFILE.read_text()))


def expressions() -> Mapping[str, str]:
    """What is asked of Prometheus: by alerts, and by panels of the dashboard."""
    alerts = {
        rule["alert"]: rule["expr"] for group in read(ALERTS)["groups"] for rule in group["rules"]
    }
    panels = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in read(DASHBOARD)["panels"]
        for target in panel.get("targets", ())
    }
    return {**alerts, **panels}


def metrics_in(expression: str) -> set[str]:
    """The names of metrics that an expression asks for."""
    return set(re.findall(r"\b(?:touchline|process)_[a-z_]+", expression))


def texts() -> Mapping[str, str]:
    """Every file of the deployment, by its path."""
    paths = [COMPOSE, GUIDE, ROOT / ".dockerignore"]
    paths += [path for path in (ROOT / "deploy").rglob("*") if path.is_file()]
    return {
        path.relative_to(ROOT).as_posix(): path.read_text()
        for path in paths
        if "secrets" not in path.relative_to(ROOT).parts
    }


def _defaulted(text: str) -> str:
    """``text`` as Compose reads it where none of its own variables is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def _projected(pod: Yaml) -> Mapping[str, str]:
    (volume,) = (one for one in pod["volumes"] if one["name"] == "secrets")
    return {
        item["path"]: item["key"].replace("-", "_")
        for source in volume["projected"]["sources"]
        for item in source["secret"]["items"]
    }


def _is_ours(image: str) -> bool:
    return image.partition(":")[0] == IMAGE
