"""The deployment's files: whole, closed, and naming only what there is."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup

from services.main import app
from services.settings import PREFIX, Settings
from tests import deployed
from tests.deployed import COMPOSE, DASHBOARD, DOCKERFILE, GUIDE, KUBERNETES, PORT, ROOT, RUNBOOK

MIGRATED = {"condition": "service_completed_successfully"}
SERVING = {"ingest", "query", "projector", "scoring"}
UNASKED = {"projector", "scoring"}
"""They take no requests."""
COMPOSED = deployed.composed()
KNOWN = {PREFIX + name.upper() for name in Settings.model_fields}
NAMED = re.compile(rf"\b{PREFIX}[A-Z_]+[A-Z]\b")
# In prose between backticks, in a shell behind the name of a service.
COMMANDS = re.compile(
    r"(?:`|^    |exec query |exec deploy/query -- )touchline\s([^`\n]*)"
    r"|run --rm migrate ([^`\n]*)",
    re.MULTILINE,
)


def command_at(words: Sequence[str]) -> tuple[set[str], Sequence[str]]:
    """The options of the command that ``words`` begin with, and the words behind it."""
    found: Any = typer.main.get_command(app)
    for count, word in enumerate(words):
        if not isinstance(found, TyperGroup) or word.startswith("--"):
            return options_of(found), words[count:]
        assert word in found.commands, f"touchline has no {' '.join(words)}"
        found = found.commands[word]
    return options_of(found), ()


def options_of(command: Any) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts} | {"--help"}


@pytest.mark.parametrize("name", sorted(COMPOSED))
def test_what_is_started_is_a_command_with_settings_that_there_are(name: str) -> None:
    one = COMPOSED[name]
    options, rest = command_at(one.arguments)

    assert "--data-dir" in options
    assert not rest
    assert set(one.environment) <= KNOWN
    assert {path.upper() for path in one.secrets} <= KNOWN
    assert set(deployed.image_environment()) <= KNOWN


def test_kubernetes_starts_the_same_as_compose() -> None:
    orchestrated = deployed.orchestrated()
    own = {"TOUCHLINE_SECRETS_DIR", "TOUCHLINE_PUBLIC_URL", "TOUCHLINE_PARTITIONS"}
    own |= {"TOUCHLINE_ARCHIVE_CLUSTER"}

    assert set(orchestrated) == set(COMPOSED)
    for name, one in orchestrated.items():
        assert one.arguments == COMPOSED[name].arguments
        assert one.secrets == COMPOSED[name].secrets
        assert set(one.environment) <= KNOWN
        different = dict(one.environment.items() ^ COMPOSED[name].environment.items())
        assert set(different) <= own


@pytest.mark.parametrize("path", sorted(deployed.texts()))
def test_every_setting_and_command_that_is_named_exists(path: str) -> None:
    text = deployed.texts()[path]

    assert set(NAMED.findall(text)) <= KNOWN
    for said in ("".join(found) for found in COMMANDS.findall(text)):
        words = said.split("#")[0].split()
        options, rest = command_at(words)
        assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= options, said


@pytest.mark.parametrize("path", sorted(deployed.texts()))
def test_no_file_names_a_registry_or_carries_a_secret(path: str) -> None:
    text = deployed.texts()[path]

    images = re.findall(r"^(?:FROM|\s+image:) (\S+)", text, re.MULTILINE)

    assert not re.findall(r"--(?:extra-)?index-url|--trusted-host|--find-links", text)
    # A registry's host has a dot or a port before the first slash.
    assert not [image for image in images if re.match(r"[^/]*[.:][^/]*/", image)]
    assert not re.findall(r"(?i)password[=:] *[\"']?[a-z0-9]{6,}\b(?!_)", text)


def test_compose_waits_for_what_a_service_needs() -> None:
    services = deployed.compose()

    for name in SERVING:
        assert services[name]["depends_on"]["migrate"] == MIGRATED, name
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            expected = MIGRATED if needed == "migrate" else {"condition": "service_healthy"}
            assert how == expected, (name, needed)
    assert services["projector"]["deploy"]["replicas"] == 2
    assert services["migrate"]["restart"].startswith("on-failure")


def test_compose_bounds_and_watches_every_service() -> None:
    document = deployed.read(COMPOSE)

    for name, service in document["services"].items():
        assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"]), name
        assert re.search(r":v?\d+\.\d+", service["image"]), name
        assert service["restart"], name
        assert service["logging"], name
        if name != "migrate":
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"][0] == "CMD", name
        mounted = [mount.partition(":")[0] for mount in service.get("volumes", ())]
        assert all(it in document["volumes"] or (ROOT / it).exists() for it in mounted), name
        assert {*service["networks"]} <= set(document["networks"]), name
    assert document["networks"]["inside"] == {"internal": True}


def test_compose_publishes_only_what_is_meant_for_users() -> None:
    published = {
        name: service["ports"] for name, service in deployed.compose().items() if "ports" in service
    }

    assert set(published) == {"ingest", "query", "prometheus", "grafana"}
    assert all(
        port.startswith(("127.0.0.1:", "${PUBLISH_ADDRESS:-127.0.0.1}:"))
        for ports in published.values()
        for port in ports
    )


def test_compose_has_no_secret_without_a_file_and_gives_the_owner_s_to_migrate_alone() -> None:
    document = deployed.read(COMPOSE)
    made = set(re.findall(r"\bkeep ([a-z_]+)", (ROOT / "deploy/make-secrets.sh").read_text()))
    made |= set(re.findall(r"\b[a-z]+_password\b", (ROOT / "deploy/make-secrets.sh").read_text()))

    for name, secret in document["secrets"].items():
        assert secret == {"file": f"deploy/secrets/{name}"}
        assert name in made
    given = {name: set(one.secrets.values()) for name, one in COMPOSED.items()}
    assert [name for name, secrets in given.items() if "store_owner_url" in secrets] == ["migrate"]
    assert "archive_url" not in given["ingest"]
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("name", sorted(deployed.ours()))
def test_our_containers_may_do_nothing_that_they_need_not(name: str) -> None:
    service = deployed.ours()[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["environment"]["TOUCHLINE_ENVIRONMENT"] == "production"


def test_the_image_is_small_and_runs_as_nobody() -> None:
    text = DOCKERFILE.read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+(?: \S+)*) \S+$", text, re.MULTILINE)
    allowed = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }

    assert text.count("\nFROM ") + text.startswith("FROM ") == 2
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert "HEALTHCHECK" in text
    assert "pip install --require-hashes -r requirements-cluster.lock" in text
    assert {name for names in copied for name in names.split()} == allowed
    assert all((ROOT / name).exists() for name in allowed)


def test_kubernetes_lists_every_manifest_and_nothing_twice() -> None:
    listed = deployed.read(KUBERNETES / "kustomization.yaml")["resources"]
    there = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    named = [(one["kind"], one["metadata"]["name"]) for one in deployed.manifests()]

    assert sorted(listed) == sorted(there)
    assert len(set(named)) == len(named)
    assert not [one for one in named if one[0] == "Secret"]


@pytest.mark.parametrize("name", sorted(deployed.pods()))
def test_a_pod_is_closed(name: str) -> None:
    pod = deployed.pods()[name]
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert pod["automountServiceAccountToken"] is False
    # A service named touchline would else set TOUCHLINE_PORT to an address.
    assert pod["enableServiceLinks"] is False
    assert container["resources"]["limits"]["memory"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts["secrets"] == deployed.config_map()["TOUCHLINE_SECRETS_DIR"]
    assert {volume["name"] for volume in pod["volumes"]} == set(mounts)


@pytest.mark.parametrize("name", sorted(SERVING))
def test_a_service_is_probed_and_survives_a_disruption(name: str) -> None:
    objects = [one for one in deployed.manifests() if one["metadata"]["name"] == name]
    found = {one["kind"]: one["spec"] for one in objects}
    (container,) = found["Deployment"]["template"]["spec"]["containers"]
    probes = {
        kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")
    }

    assert container["ports"] == [{"name": "http", "containerPort": PORT}]
    assert probes["liveness"]["path"] == probes["startup"]["path"] == "/healthz"
    assert probes["readiness"]["path"] == "/readyz"
    assert {probe["port"] for probe in probes.values()} == {"http"}
    assert found["Deployment"]["replicas"] > found["PodDisruptionBudget"]["minAvailable"] >= 1
    selected = found["PodDisruptionBudget"]["selector"]["matchLabels"].items()
    assert selected <= found["Deployment"]["template"]["metadata"]["labels"].items()
    assert ("Service" in found) == (name not in UNASKED)


def test_pods_take_nothing_from_outside_but_what_a_policy_says() -> None:
    policies = {
        one["metadata"]["name"]: one["spec"]
        for one in deployed.manifests()
        if one["kind"] == "NetworkPolicy"
    }

    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, policy in policies.items():
        for rule in policy.get("ingress", ()):
            assert rule["from"], name
            assert rule["ports"], name
        for rule in policy.get("egress", ()):
            assert rule["ports"], name


def test_every_alert_has_a_section_of_the_runbook_and_every_section_an_alert() -> None:
    rules = [rule for group in deployed.read(deployed.ALERTS)["groups"] for rule in group["rules"]]
    sections = dict(
        re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOK.read_text(), re.MULTILINE | re.DOTALL)
    )

    assert [rule["alert"] for rule in rules] == list(dict.fromkeys(rule["alert"] for rule in rules))
    assert {rule["alert"] for rule in rules} == set(sections)
    for rule in rules:
        name = rule["alert"]
        assert rule["annotations"]["runbook"] == f"deploy/runbook.md#{name.lower()}"
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert all(f"**{word}**" in sections[name] for word in ("Means", "Look", "Do")), name


def test_prometheus_scrapes_every_service_where_it_answers() -> None:
    jobs = {job["job_name"]: job for job in deployed.read(deployed.SCRAPES)["scrape_configs"]}

    assert set(jobs) == {f"touchline-{name}" for name in SERVING}
    for name in SERVING:
        (found,) = jobs[f"touchline-{name}"]["dns_sd_configs"]
        assert (found["names"], found["port"]) == ([name], PORT)
    asked = "".join(deployed.expressions().values())
    assert set(re.findall(r'job="([\w-]+)"', asked)) <= set(jobs)


def test_the_dashboard_asks_the_source_that_grafana_is_given() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    sources = deployed.read(deployed.PROVISIONING / "datasources" / "prometheus.yml")
    provided = deployed.read(deployed.PROVISIONING / "dashboards" / "touchline.yml")
    mounts = dict(
        mount.split(":")[:2] for mount in deployed.compose()["grafana"]["volumes"] if "./" in mount
    )

    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]

    assert {panel["datasource"]["uid"] for panel in panels} == {
        source["uid"] for source in sources["datasources"]
    }
    assert all(panel["title"] and panel["targets"] for panel in panels)
    assert provided["providers"][0]["options"]["path"] == mounts["./deploy/grafana/dashboards"]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", sorted(deployed.texts()))
def test_no_file_of_the_deployment_is_longer_than_300_lines(path: str) -> None:
    assert len(deployed.texts()[path].splitlines()) <= 300


def test_the_guide_says_what_was_not_run() -> None:
    assert "## What was not run" in GUIDE.read_text()
    assert "(docs/cluster.md)" in Path(ROOT / "README.md").read_text()
