"""The component cloudnative-pg: roles, secrets and URLs are of one mind, and all pods fit into Postgres."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from chassis.settings import ServiceSettings
from tests.support.manifests import DEPLOY, Document, Manifests, made_secrets, mixed

COMPONENT = DEPLOY / "components" / "cloudnative-pg"
OWNERS = ("subscription", "delivery", "trigger")
#: For people, backups, standbys, and what CloudNativePG itself opens.
SPARE_CONNECTIONS = 30


@pytest.fixture(scope="module")
def manifests() -> Manifests:
    """With the component keda, which makes most pods."""
    return Manifests([*mixed("base", "cloudnative-pg", "keda").documents, *made_secrets("cloudnative-pg").documents])


def one(manifests: Manifests, kind: str) -> Document:
    (found,) = manifests.of(kind)
    return found


def spec(manifests: Manifests, kind: str) -> Any:
    return one(manifests, kind)["spec"]


def login(manifests: Manifests, secret: str) -> tuple[str, str]:
    """User and password of a Secret."""
    document = manifests.named("Secret", secret)
    assert document is not None
    assert document["type"] == "kubernetes.io/basic-auth"
    content = manifests.content("Secret", secret)
    return content["username"], content["password"]


def test_roles_sql_is_the_schemas_own() -> None:
    """Kustomize reads no file outside of its folder."""
    committed = (COMPONENT / "roles.sql").read_text()
    assert committed == (DEPLOY.parent / "schema" / "roles.sql").read_text(), "make render"


def test_every_role_is_made_before_it_is_altered(manifests: Manifests) -> None:
    references = spec(manifests, "Cluster")["bootstrap"]["initdb"]["postInitSQLRefs"]["configMapRefs"]
    first, second = (manifests.content("ConfigMap", part["name"])[part["key"]] for part in references)
    for owner in OWNERS:
        assert f"create role runhook_{owner} nologin;" in first
        assert f"alter role runhook_{owner} " in second


def test_the_roles_log_in_with_the_passwords_that_stand_in_the_urls(manifests: Manifests) -> None:
    roles = spec(manifests, "Cluster")["managed"]["roles"]
    assert [role["name"] for role in roles] == [f"runhook_{owner}" for owner in OWNERS]
    urls = manifests.content("Secret", "runhook-database")
    for role, owner in zip(roles, OWNERS, strict=True):
        assert role["login"] is True
        url = urlsplit(urls[owner])
        assert (url.username, url.password) == login(manifests, role["passwordSecret"]["name"])
        assert role["name"] == url.username


def test_the_owner_migrates_the_database_that_the_cluster_is_made_with(manifests: Manifests) -> None:
    made = spec(manifests, "Cluster")["bootstrap"]["initdb"]
    url = urlsplit(manifests.content("Secret", "runhook-database")["owner"])
    assert (url.username, url.password) == login(manifests, made["secret"]["name"])
    assert (made["owner"], f"/{made['database']}") == (url.username, url.path)


def test_loops_reach_the_primary_and_the_rest_the_pooler(manifests: Manifests) -> None:
    cluster, pooler = (one(manifests, kind)["metadata"]["name"] for kind in ("Cluster", "Pooler"))
    hosts = {key: urlsplit(url).hostname for key, url in manifests.content("Secret", "runhook-database").items()}
    assert hosts == {
        "owner": f"{cluster}-rw",
        "subscription": pooler,
        "delivery": f"{cluster}-rw",
        "trigger": f"{cluster}-rw",
    }


def test_who_goes_through_the_pooler_keeps_no_statement_and_nobody_else_goes_without(manifests: Manifests) -> None:
    pooler = one(manifests, "Pooler")
    assert pooler["spec"]["cluster"]["name"] == one(manifests, "Cluster")["metadata"]["name"]
    assert pooler["spec"]["pgbouncer"]["poolMode"] == "transaction"
    through = set()
    for workload in manifests.ours:
        environment = manifests.environment(workload.main)
        if urlsplit(environment.get("RUNHOOK_DATABASE_URL", "")).hostname == pooler["metadata"]["name"]:
            through.add((workload.name, environment.get("RUNHOOK_DATABASE_STATEMENT_CACHE")))
        else:
            assert "RUNHOOK_DATABASE_STATEMENT_CACHE" not in environment
        for step in workload.pod.get("initContainers", []):
            url = manifests.environment(step)["RUNHOOK_DATABASE_URL"]
            assert urlsplit(url).hostname != pooler["metadata"]["name"], "a migration needs a session of its own"
    assert through == {("subscription-svc", "0")}


def test_one_pooler_is_left_when_a_node_goes(manifests: Manifests) -> None:
    pooler = one(manifests, "Pooler")
    label = {"matchLabels": {"cnpg.io/poolerName": pooler["metadata"]["name"]}}
    assert pooler["spec"]["instances"] > 1
    (spread,) = pooler["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["labelSelector"]) == ("kubernetes.io/hostname", label)
    budget = manifests.named("PodDisruptionBudget", pooler["metadata"]["name"])
    assert budget is not None
    assert (budget["spec"]["selector"], budget["spec"]["maxUnavailable"]) == (label, 1)


def test_all_pods_together_get_their_connections(manifests: Manifests) -> None:
    each = ServiceSettings.model_fields["database_pool_size"].default
    # A roll-out has one pod more of each.
    direct = [scaler["spec"]["maxReplicaCount"] + 1 for scaler in manifests.of("ScaledObject")]
    pooler = spec(manifests, "Pooler")
    parameters = pooler["pgbouncer"]["parameters"]
    pooled = pooler["instances"] * int(parameters["default_pool_size"])
    most = int(spec(manifests, "Cluster")["postgresql"]["parameters"]["max_connections"])
    assert sum(direct) * each + pooled + SPARE_CONNECTIONS <= most
    scaler = manifests.named("HorizontalPodAutoscaler", "subscription-svc")
    assert scaler is not None
    assert (scaler["spec"]["maxReplicas"] + 1) * each <= int(parameters["max_client_conn"])


def test_backups_go_where_the_log_goes(manifests: Manifests) -> None:
    cluster, scheduled = spec(manifests, "Cluster"), spec(manifests, "ScheduledBackup")
    (plugin,) = cluster["plugins"]
    assert plugin["isWALArchiver"] is True
    assert plugin["parameters"]["barmanObjectName"] == one(manifests, "ObjectStore")["metadata"]["name"]
    assert (scheduled["method"], scheduled["pluginConfiguration"]["name"]) == ("plugin", plugin["name"])
    assert scheduled["cluster"]["name"] == one(manifests, "Cluster")["metadata"]["name"]
    assert len(scheduled["schedule"].split()) == 6


def test_what_a_commit_answers_a_standby_has_too(manifests: Manifests) -> None:
    cluster = spec(manifests, "Cluster")
    assert cluster["instances"] >= 3
    assert cluster["postgresql"]["synchronous"] == {"method": "any", "number": 1, "dataDurability": "required"}


def test_the_three_services_alone_reach_postgres(manifests: Manifests) -> None:
    label = {"matchLabels": {"cnpg.io/cluster": one(manifests, "Cluster")["metadata"]["name"]}}
    leaving = manifests.named("NetworkPolicy", "to-postgres")
    entering = manifests.named("NetworkPolicy", "postgres")
    assert leaving is not None
    assert entering is not None
    assert leaving["spec"]["egress"] == [{"to": [{"podSelector": label}], "ports": [{"protocol": "TCP", "port": 5432}]}]
    assert entering["spec"]["podSelector"] == label
    (peer,) = entering["spec"]["ingress"][0]["from"]
    services = [f"{owner}-svc" for owner in OWNERS]
    assert [workload.name for workload in manifests.selected(peer["podSelector"])] == sorted(services)
    assert leaving["spec"]["podSelector"] == peer["podSelector"]


@pytest.mark.parametrize("kind", ["Cluster", "Pooler"])
def test_memory_is_limited_and_cpu_is_not(manifests: Manifests, kind: str) -> None:
    found = spec(manifests, kind)
    resources = found["resources"] if kind == "Cluster" else found["template"]["spec"]["containers"][0]["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert resources["limits"].keys() == {"memory"}
