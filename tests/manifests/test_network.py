"""Nobody talks to anybody, but for the edges that the code has."""

import re
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from delivery_svc.sending.address import AddressPolicy
from tests.support.manifests import DEPLOY, Manifests, Workload

ROOT = DEPLOY.parent
GRPC = 50051
EDGES = {
    ("gateway", "subscription-svc"),
    ("gateway", "delivery-svc"),
    ("gateway", "trigger-svc"),
    ("trigger-svc", "delivery-svc"),
    ("delivery-svc", "subscription-svc"),
    ("runner", "trigger-svc"),
}


def edges(manifests: Manifests, direction: str) -> set[tuple[str, str]]:
    """(from, to) of what the rules of one direction allow between pods at the port of gRPC."""
    found = set()
    for owner, rule in rules(manifests, direction):
        peers = rule.get("to" if direction == "egress" else "from", [])
        if GRPC in {port["port"] for port in rule.get("ports", [])}:
            names = {
                peer.name for one in peers if "podSelector" in one for peer in manifests.selected(one["podSelector"])
            }
            found |= {(owner.name, name) if direction == "egress" else (name, owner.name) for name in names}
    return found


def rules(manifests: Manifests, direction: str) -> list[tuple[Workload, dict[str, Any]]]:
    """Every rule of one direction with every workload that it is for."""
    return [
        (workload, rule)
        for policy in manifests.of("NetworkPolicy")
        for workload in manifests.selected(policy["spec"]["podSelector"])
        for rule in policy["spec"].get(direction, [])
    ]


def blocks(manifests: Manifests) -> dict[str, list[dict[str, Any]]]:
    """Who may leave the cluster, and where to; not counting name servers."""
    found: dict[str, list[dict[str, Any]]] = {}
    for workload, rule in rules(manifests, "egress"):
        if "ports" not in rule:
            found.setdefault(workload.name, []).extend(peer["ipBlock"] for peer in rule["to"])
    return found


def test_what_no_policy_allows_is_denied(manifests: Manifests) -> None:
    policy = manifests.named("NetworkPolicy", "default-deny")
    assert policy is not None
    assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_every_policy_names_the_directions_it_has_rules_for(manifests: Manifests) -> None:
    for policy in manifests.of("NetworkPolicy"):
        if policy["metadata"]["name"] != "default-deny":
            directions = {name.capitalize() for name in ("ingress", "egress") if name in policy["spec"]}
            assert set(policy["spec"]["policyTypes"]) == directions


def test_both_ends_allow_the_edges_and_no_more(manifests: Manifests) -> None:
    assert edges(manifests, "egress") == EDGES
    assert edges(manifests, "ingress") == EDGES


def test_every_call_in_the_code_is_an_edge() -> None:
    for package in ("subscription_svc", "delivery_svc", "trigger_svc", "gateway", "runner"):
        code = "".join(path.read_text() for path in (ROOT / package).rglob("*.py"))
        targets = set(re.findall(r"settings\.(subscription_svc|delivery_svc|trigger_svc)\b", code))
        called = {(package.replace("_", "-"), target.replace("_", "-")) for target in targets}
        assert called <= EDGES


def test_the_ports_allowed_are_ports_of_the_pods(manifests: Manifests) -> None:
    for workload, rule in rules(manifests, "ingress"):
        for port in rule["ports"]:
            if workload.module or port["port"] != 9090:
                assert port["port"] in workload.ports.values(), (workload.name, port)


def test_the_three_services_alone_reach_postgres(manifests: Manifests) -> None:
    allowed = {
        workload.name
        for workload, rule in rules(manifests, "egress")
        if 5432 in {port["port"] for port in rule.get("ports", [])}
    }
    assert allowed == {"subscription-svc", "delivery-svc", "trigger-svc"}


def test_in_dev_postgres_alone_is_reached_at_its_port(install: Manifests) -> None:
    policy = install.named("NetworkPolicy", "to-postgres")
    assert policy is not None
    (rule,) = policy["spec"]["egress"]
    (peer,) = rule["to"]
    assert [workload.name for workload in install.selected(peer["podSelector"])] == ["postgres"]


def test_delivery_svc_alone_leaves_the_cluster(manifests: Manifests) -> None:
    assert blocks(manifests).keys() == {"delivery-svc"}


@pytest.mark.parametrize(
    "inside",
    [
        "0.0.0.1",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "168.63.129.16",
        "169.254.169.254",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2001::1",
        "2001:db8::1",
        "2002:a00:1::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
    ],
)
def test_delivery_svc_cannot_reach_inside(manifests: Manifests, inside: str) -> None:
    assert not _reachable(manifests, inside)
    assert AddressPolicy().refusal(ip_address(inside)) is not None, "the two walls differ"


@pytest.mark.parametrize("outside", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001::1"])
def test_delivery_svc_reaches_the_internet(manifests: Manifests, outside: str) -> None:
    assert _reachable(manifests, outside)
    assert AddressPolicy().refusal(ip_address(outside)) is None, "the two walls differ"


def _reachable(manifests: Manifests, text: str) -> bool:
    target = ip_address(text)
    return any(
        target in ip_network(block["cidr"]) and not any(target in ip_network(part) for part in block.get("except", []))
        for block in blocks(manifests)["delivery-svc"]
    )
