"""The dashboard and the rules are true: what they name exists, promtool agrees, and every alert says what to do."""

import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support import expressions
from tests.support.expressions import Series
from tests.support.manifests import DEPLOY, Manifests, mixed
from tests.support.require import missing

FOLDER = DEPLOY / "observability"
COMPONENT = DEPLOY / "components/prometheus-operator"
RUNBOOK = (DEPLOY.parent / "docs/runbook.md").read_text()
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^#|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel, target) for panel in PANELS for target in panel["targets"]]
GROUPS = yaml.safe_load((FOLDER / "rules.yaml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"]: rule["expr"] for rule in RULES if "record" in rule}
EXPRESSIONS = {
    **{rule.get("alert") or rule["record"]: rule["expr"] for rule in RULES},
    **{f"{panel['title']}, {target['refId']}": target["expr"] for panel, target in TARGETS},
}
SERIES: dict[str, Series] = expressions.scraped() | {name: expressions.recorded(name) for name in RECORDED}
every_expression = pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS.keys())


def promtool(*words: str | Path) -> None:
    """Runs it; its words are the failure."""
    if shutil.which("promtool") is None:
        missing("promtool")
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@every_expression
def test_every_series_that_is_named_exists_and_has_the_labels_it_is_matched_by(expression: str) -> None:
    named = list(expressions.selectors(expression))
    assert named
    for selector in named:
        assert selector.name in SERIES
        series = SERIES[selector.name]
        assert {label for label, _, _ in selector.matchers} <= series.labels
        for label, operator, value in selector.matchers:
            if label not in expressions.SCRAPED and series.docstring and operator == "=" and label != "route":
                assert re.search(rf"\b{value}\b", series.docstring), "no such value, or the docstring leaves it out"


@every_expression
def test_what_only_rises_is_rated_and_what_is_a_level_is_not(expression: str) -> None:
    for selector in expressions.selectors(expression):
        rises = SERIES[selector.name].kind in ("counter", "bucket")
        assert selector.ranged == rises, selector.name
        assert (selector.function in ("rate", "increase")) == rises, selector.name


@every_expression
def test_what_is_grouped_by_is_a_label_of_what_is_grouped(expression: str) -> None:
    known = set().union(*(SERIES[selector.name].labels for selector in expressions.selectors(expression)))
    groupings = expressions.groupings(expression)
    assert set().union(*groupings) <= known
    if "histogram_quantile" in expression and "_bucket" in expression:
        assert all("le" in labels for labels in groupings)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_series_says_its_labels_and_is_used(name: str) -> None:
    kept = expressions.groupings(RECORDED[name])[0]
    if RECORDED[name].startswith("histogram_quantile"):
        kept -= {"le"}
    assert kept == SERIES[name].labels
    others = [expression for where, expression in EXPRESSIONS.items() if where != name]
    assert any(name in expression for expression in others)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_what_is_wrong_and_where_to_read_on(name: str) -> None:
    alert = ALERTS[name]
    assert alert["labels"].keys() == {"severity"}
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    assert alert["annotations"].keys() == {"summary", "runbook_url"}
    assert alert["annotations"]["summary"].endswith(".")
    assert alert["annotations"]["runbook_url"] == f"docs/runbook.md#{name.lower()}"
    assert re.findall(r"^- \*\*(.+?)\*\*: ", SECTIONS[name], re.MULTILINE) == ["Means", "Look at", "Do"]


def test_the_runbook_knows_no_alert_that_is_none_and_no_panel_that_is_not_shown() -> None:
    assert SECTIONS.keys() == ALERTS.keys()
    assert set(re.findall(r"\bRunhook[A-Z]\w+", RUNBOOK)) == ALERTS.keys()
    titles = {panel["title"] for panel in PANELS}
    for name in re.findall(r"(?<!\*)\*([A-Z][\w ]+)\*(?!\*)", "".join(SECTIONS.values())):
        assert any(title == name or title.startswith((f"{name},", f"{name}:")) for title in titles), name


def test_every_alert_is_seen_silent_and_seen_firing() -> None:
    tests = yaml.safe_load((FOLDER / "rules_test.yaml").read_text())["tests"]
    seen = {(one["alertname"], bool(one["exp_alerts"])) for test in tests for one in test["alert_rule_test"]}
    assert seen == set(itertools.product(ALERTS, (False, True)))


def test_promtool_reads_the_rules_and_their_tests_pass() -> None:
    promtool("check", "rules", FOLDER / "rules.yaml")
    promtool("test", "rules", FOLDER / "rules_test.yaml")


def test_promtool_reads_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    of_grafana = {"$__rate_interval": "5m", "$namespace": ".*"}
    rules = []
    for number, (_, target) in enumerate(TARGETS):
        expression = target["expr"]
        for variable, value in of_grafana.items():
            expression = expression.replace(variable, value)
        assert "$" not in expression
        rules.append({"record": f"panel:{number}", "expr": expression})
    (tmp_path / "panels.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "panels.yaml")


def test_a_panel_says_what_it_shows_for_the_chosen_source_and_namespaces() -> None:
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "namespace"]
    for panel, target in TARGETS:
        assert panel["datasource"] == target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["description"].endswith("."), panel["title"]
        for selector in expressions.selectors(target["expr"]):
            assert ("namespace", "=~", "$namespace") in selector.matchers, panel["title"]


def test_a_heat_map_is_drawn_of_buckets_as_they_are() -> None:
    (panel,) = (panel for panel in PANELS if panel["type"] == "heatmap")
    (target,) = panel["targets"]
    assert (target["format"], target["legendFormat"], panel["options"]["calculate"]) == ("heatmap", "{{le}}", False)
    assert target["expr"].startswith("sum by (le) (")
    assert "_bucket:rate" in target["expr"]


def test_a_legend_shows_labels_that_the_expression_keeps() -> None:
    for panel, target in TARGETS:
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        if groupings := expressions.groupings(target["expr"]):
            kept = set().union(*groupings)
        else:
            kept = set().union(*(SERIES[one.name].labels for one in expressions.selectors(target["expr"])))
        assert shown <= kept | (expressions.SCRAPED if "ignoring" in target["expr"] else set()), panel["title"]


def test_the_dashboard_has_its_rows_and_no_two_panels_share_a_place() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Deliveries", "Triggers", "Runs", "Saturation"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        across, down = (range(place[at], place[at] + place[size]) for at, size in (("x", "w"), ("y", "h")))
        cells = set(itertools.product(across, down))
        assert not cells & taken, panel["title"]
        assert across.stop <= 24
        taken |= cells


@pytest.fixture(scope="module")
def watched() -> Manifests:
    """Base with the component, as an overlay has them."""
    return mixed("base", COMPONENT.name)


def test_the_prometheus_rule_is_the_rules_file() -> None:
    made = subprocess.run([COMPONENT / "render.sh"], capture_output=True, text=True, check=True).stdout
    assert made == (COMPONENT / "rules.yaml").read_text(), f"{COMPONENT}/render.sh writes it"
    assert yaml.safe_load(made)["spec"] == {"groups": GROUPS}


def test_the_operator_scrapes_every_process_under_its_name(watched: Manifests) -> None:
    (monitor,) = watched.of("PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    scraped = [one for one in watched.selected(monitor["spec"]["selector"]) if endpoint["port"] in one.ports]
    assert {one.module for one in scraped} == {"gateway", "delivery_svc", "trigger_svc", "subscription_svc", "runner"}
    assert all(one.labels[monitor["spec"]["jobLabel"]] == one.name for one in scraped)
    policy = watched.named("NetworkPolicy", "metrics")
    assert policy is not None
    ports = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
    assert {one.ports[endpoint["port"]] for one in scraped} == ports


def test_grafana_finds_the_dashboard(watched: Manifests) -> None:
    shown = watched.named("ConfigMap", "runhook-dashboard")
    assert shown is not None
    assert shown["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(shown["data"]["runhook.json"]) == DASHBOARD
    assert {one["metadata"]["namespace"] for one in watched.of("PodMonitor", "PrometheusRule", "ConfigMap")} == {
        "runhook"
    }
