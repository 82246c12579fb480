"""The registry acknowledges exactly what a decision covers, and every fault of a decision fails the gate."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from compliance.engine.acknowledgements import (
    DEFAULT_FILE,
    EXPIRED,
    MALFORMED,
    STALE,
    UNREGISTERED,
    Registry,
    RegistryError,
    apply,
    check_registry,
    read_registry,
    stale,
    unregistered,
)
from compliance.engine.findings import Finding, Verdict
from compliance.engine.matrix import read_matrix

TODAY = date(2026, 11, 24)
RULE = "AwsSolutions::AwsSolutions-S1"
PATH = "Data/Bucket/Resource"
ENTRY: dict[str, Any] = {
    "id": "logs",
    "title": "Logs are not logged",
    "reason": "A log of a log would never end.",
    "owner": "platform",
    "approver": "security",
    "ticket": "SEC-7",
    "decided": date(2026, 11, 1),
    "expires": date(2026, 11, 24),
    "covers": [{"rules": [RULE], "paths": [PATH]}],
}
PROD = {"environment": ("prod",), "region": ("us-east-1", "us-west-2")}
DEV = {"environment": ("dev",), "region": ("us-east-1", "us-west-2")}
FOUND = Finding(rule=RULE, verdict=Verdict.FAIL, configuration="prod", path=PATH, message="no logs")


def _registry(**changes: Any) -> Registry:  # noqa: ANN401
    return check_registry({"decision": [{**ENTRY, **changes}]}, TODAY)


def _defects(document: dict[str, Any]) -> list[Finding]:
    return list(check_registry(document, TODAY).defects)


def test_decision_covers_exactly_its_rule_and_path_until_its_last_day() -> None:
    registry = _registry()
    elsewhere = [replace(FOUND, path=path) for path in (f"{PATH}/Policy", "Data/Bucket", "Data")]
    others = [*elsewhere, replace(FOUND, rule=f"{RULE}0")]

    first, *rest = apply(registry, [FOUND, *others], PROD)

    assert not registry.defects
    assert (first.verdict, first.decision) == (Verdict.ACKNOWLEDGED, "logs")
    assert rest == others
    assert registry.uses([first])[0].acknowledged == 1


def test_decision_on_a_pass_leaves_it_a_pass() -> None:
    passed = replace(FOUND, verdict=Verdict.PASS)

    assert apply(_registry(), [passed], PROD) == [passed]


def test_decision_with_when_holds_in_those_settings_only() -> None:
    registry = _registry(when={"environment": ["prod", "staging"]})

    assert apply(registry, [FOUND], PROD)[0].verdict is Verdict.ACKNOWLEDGED
    assert apply(registry, [FOUND], DEV)[0].verdict is Verdict.FAIL


def test_placeholders_are_replaced_by_facts_of_the_configuration() -> None:
    registry = _registry(covers=[{"rules": ["P::R[arn:x-{environment}-{region}/*]"], "paths": [PATH]}])
    rows = [replace(FOUND, rule=f"P::R[arn:x-{name}/*]") for name in ("prod-us-east-1", "prod-us-west-2", "dev-us-east-1")]

    assert [row.verdict for row in apply(registry, rows, PROD)] == [Verdict.ACKNOWLEDGED, Verdict.ACKNOWLEDGED, Verdict.FAIL]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"reason": ""}, "at least 20 characters"),
        ({"reason": "false positive"}, "at least 20 characters"),
        ({"reason": " " * 40}, "at least 20 characters"),
        ({"reason": 7}, "at least 20 characters"),
        ({"owner": " "}, "owner is ' '"),
        ({"title": 3}, "title is 3"),
        ({"id": ""}, "id is ''"),
        ({"expires": "2027-01-01"}, "a date without quotes"),
        ({"approver": ""}, "approver is ''; write a text"),
        ({"ticket": 7}, "ticket is 7; write a text"),
        ({"decided": "2026-11-24"}, "a date without quotes"),
        ({"decided": date(2026, 11, 25)}, "decided is 2026-11-25, after expires"),
        ({"tickets": "X-1"}, "unknown key 'tickets'; allowed: approver, covers, decided"),
        ({"when": {"moon": ["full"]}}, "moon"),
        ({"when": {"environment": "prod"}}, "a list of its values"),
        ({"when": ["prod"]}, "when is not a table"),
        ({"covers": []}, "covers is not a list"),
        ({"covers": [{"rules": [RULE]}]}, "has other keys; allowed: rules, paths"),
        ({"covers": [{"rules": RULE, "paths": [PATH]}]}, "at least one text in each"),
        ({"covers": [{"rules": [RULE], "paths": []}]}, "at least one text in each"),
        ({"covers": [{"rules": [RULE], "paths": ["Data"]}]}, "'Data' is too broad"),
        ({"covers": [{"rules": [RULE], "paths": ["/"]}]}, "too broad"),
        ({"covers": [{"rules": [RULE], "paths": ["Data/*"]}]}, "wildcard"),
        ({"covers": [{"rules": ["AwsSolutions-S1"], "paths": [PATH]}]}, "not a qualified id"),
        ({"covers": [{"rules": ["Annotation::AwsSolutions-S1"], "paths": [PATH]}]}, "not a qualified id"),
        ({"covers": [{"rules": ["P::R[{moon}]"], "paths": [PATH]}]}, "unknown placeholder {moon}"),
    ],
)
def test_malformed_entry_fails_by_name_and_acknowledges_nothing(changes: dict[str, Any], says: str) -> None:
    registry = _registry(**changes)

    assert [row.rule for row in registry.defects] == [MALFORMED.id]
    assert registry.defects[0].verdict is Verdict.FAIL
    assert says in registry.defects[0].message
    assert registry.defects[0].path.endswith(": number 1" if changes.get("id") == "" else ": logs")
    assert apply(registry, [FOUND], PROD) == [FOUND]


@pytest.mark.parametrize("key", ["id", "title", "reason", "owner", "approver", "ticket", "decided", "expires", "covers"])
def test_entry_without_a_required_key_fails(key: str) -> None:
    entry = {name: value for name, value in ENTRY.items() if name != key}

    assert [row.message for row in _defects({"decision": [entry]})] == [f"the key '{key}' is missing"]


def test_documents_of_another_shape_fail() -> None:
    assert "unknown table or key 'decisions'" in _defects({"decisions": []})[0].message
    assert "[[decision]]" in _defects({"decision": ENTRY})[0].message
    assert "not a table" in _defects({"decision": ["logs"]})[0].message
    assert "the same id" in _defects({"decision": [ENTRY, ENTRY]})[0].message


def test_expired_decision_fails_and_acknowledges_nothing() -> None:
    registry = _registry(expires=date(2026, 11, 23))

    assert [row.rule for row in registry.defects] == [EXPIRED.id]
    assert "expired on 2026-11-23; platform must decide again" in registry.defects[0].message
    assert apply(registry, [FOUND], PROD) == [FOUND]


def test_decision_without_a_finding_is_stale() -> None:
    registry = _registry(covers=[{"rules": [RULE], "paths": [PATH, "Data/Gone/Resource"]}])
    rows = apply(registry, [FOUND, replace(FOUND, path="Data/Moved/Resource")], PROD)

    (row,) = stale(registry, rows, {"prod": PROD, "dev": DEV})

    assert row.rule == STALE.id
    assert "Data/Gone/Resource in prod, dev" in row.message
    assert f"still open: {RULE} at Data/Moved/Resource" in row.message


def test_decision_needed_in_one_configuration_is_not_stale() -> None:
    registry = _registry(covers=[{"rules": ["P::R[{environment}-{region}]"], "paths": [PATH]}])
    rows = apply(registry, [replace(FOUND, rule="P::R[prod-us-west-2]")], PROD)

    assert not stale(registry, rows, {"prod": PROD, "dev": DEV})
    assert stale(registry, rows, {"dev": DEV})


def test_decision_with_met_in_is_stale_if_those_do_not_need_it() -> None:
    registry = _registry(met_in=["dev-no-vpc"])
    matrix = {"dev": DEV, "dev-no-vpc": DEV}

    assert apply(registry, [FOUND], PROD)[0].verdict is Verdict.ACKNOWLEDGED
    assert not stale(registry, [], {"dev": DEV}, whole=False)
    assert stale(registry, [], {"dev": DEV}, whole=True)
    assert not stale(registry, [], matrix, whole=False), "no such resource there: another configuration may have it"
    fixed = replace(FOUND, configuration="dev-no-vpc", verdict=Verdict.PASS)
    assert stale(registry, [fixed], matrix, whole=False)
    met = apply(registry, [replace(FOUND, configuration="dev-no-vpc")], DEV)
    assert not stale(registry, met, matrix, whole=True)


def test_decision_for_settings_of_no_configuration_is_stale() -> None:
    registry = _registry(when={"environment": ["test"]})

    (row,) = stale(registry, [FOUND], {"prod": PROD})

    assert "no configuration of the matrix" in row.message


def test_acknowledgement_in_code_without_a_decision_fails() -> None:
    carried = [
        (PATH, RULE),
        ("Data/Bucket", RULE),
        (PATH, "Annotation::AwsSolutions-S10"),
        (PATH, "Annotation::@aws-cdk/aws-lambda:codeSigning"),
        (PATH, "CloudFormation-Validate::W3010"),
    ]

    rows = unregistered(_registry(), carried, PROD, ["AwsSolutions"])

    assert {row.rule for row in rows} == {UNREGISTERED.id}
    assert [(row.path, row.message.split()[0]) for row in rows] == [
        ("Data/Bucket", RULE),
        (PATH, "Annotation::AwsSolutions-S10"),
    ]


def test_unreadable_registry_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[[decision")

    for name in ("none.toml", "broken.toml"):
        with pytest.raises(RegistryError, match=name):
            read_registry(tmp_path / name, TODAY)


def test_own_registry_is_well_formed_and_small() -> None:
    registry = read_registry(DEFAULT_FILE, TODAY)

    assert not registry.defects
    assert len([decision for decision in registry.decisions if not decision.met_in]) <= 13
    names = {configuration.name for configuration in read_matrix()}
    assert all(set(decision.met_in) <= names for decision in registry.decisions)


def test_unevaluated_finding_needs_a_decision_with_not_evaluated() -> None:
    cover = {"rules": [RULE], "paths": [PATH]}
    threw = replace(FOUND, verdict=Verdict.NOT_EVALUATED, message="the rule threw")
    on_failure, on_throw = _registry(covers=[cover]), _registry(covers=[{**cover, "not_evaluated": True}])

    assert [apply(on_failure, [row], PROD)[0].verdict for row in (FOUND, threw)] == [
        Verdict.ACKNOWLEDGED,
        Verdict.NOT_EVALUATED,
    ]
    assert [apply(on_throw, [row], PROD)[0].verdict for row in (FOUND, threw)] == [Verdict.FAIL, Verdict.ACKNOWLEDGED]
    both = _registry(covers=[cover, {**cover, "not_evaluated": True}])
    assert {apply(both, [row], PROD)[0].verdict for row in (FOUND, threw)} == {Verdict.ACKNOWLEDGED}
    assert stale(on_throw, apply(on_throw, [FOUND], PROD), {"prod": PROD})
    assert not stale(on_throw, apply(on_throw, [threw], PROD), {"prod": PROD})


def test_decision_unless_prod_holds_in_every_other_environment() -> None:
    registry = _registry(unless={"environment": ["prod"]})

    assert apply(registry, [FOUND], {**DEV, "environment": ("sandbox",)})[0].verdict is Verdict.ACKNOWLEDGED
    assert apply(registry, [FOUND], PROD)[0].verdict is Verdict.FAIL
