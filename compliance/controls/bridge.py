"""Map rules to the controls of today's frameworks, over the checks of prowler that they decide.

A rule decides checks (bridge.toml, ours), and a check serves controls (sources.json, prowler's). Frameworks that refer to
NIST 800-53 revision 5 follow from the controls that a rule names there itself. So no rule is mapped to a control by hand.
"""

import json
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from compliance.controls.catalogue import Framework, published, split
from compliance.engine.findings import RuleInfo

SOURCES: Final = Path(__file__).parent / "sources.json"
"""The controls that each check serves, as prowler publishes them; `compliance.controls.vendor` writes the file."""
_BRIDGE: Final = Path(__file__).parent / "bridge.toml"


@dataclass(frozen=True, slots=True)
class Check:
    """A check of prowler about a resource type that the platform deploys.

    Attributes:
        id: Its id.
        types: The CloudFormation types whose resources decide it.
        rules: The rules that decide it from a template, as `local_id` names them.
        reason: Why no rule decides it; empty where one does.
        decidable: Whether a template could answer it.
    """

    id: str
    types: tuple[str, ...]
    rules: tuple[str, ...] = ()
    reason: str = ""
    decidable: bool = True


def local_id(rule: str) -> str:
    """Return a qualified rule id without its pack and without a finding's detail: `AwsSolutions-IAM5`."""
    return rule.partition("::")[2].partition("[")[0]


@cache
def checks() -> Mapping[str, Check]:
    """Return the checks of bridge.toml by id, in the order of the file."""
    bridge = tomllib.loads(_BRIDGE.read_text("utf-8"))
    found: dict[str, Check] = {}
    for group in bridge["type"]:
        types = tuple(group["types"])
        for name, rules in group.get("decided", {}).items():
            found[name] = Check(name, types, rules=tuple(rules))
        for name, reason in group.get("undecided", {}).items():
            found[name] = Check(name, types, reason=bridge["reasons"][reason], decidable=False)
        for name, reason in group.get("open", {}).items():
            found[name] = Check(name, types, reason=reason)
    return found


def mapped(rules: Mapping[str, RuleInfo]) -> dict[str, RuleInfo]:
    """Return the rules with the controls that follow from the checks they decide and from the references of frameworks."""
    return {name: replace(rule, controls=_controls(rule)) for name, rule in rules.items()}


def _controls(rule: RuleInfo) -> tuple[str, ...]:
    found = (*rule.controls, *_of_checks().get(local_id(rule.id), ()), *_of_references(rule.controls))
    return tuple(dict.fromkeys(found))


@cache
def _of_checks() -> Mapping[str, tuple[str, ...]]:
    """Return the qualified controls of each rule that decides a check, by the rule's local id."""
    served = _sources()["checks"]
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for check in checks().values():
        for rule in check.rules:
            for framework, controls in served[check.id].items():
                found[rule].update(dict.fromkeys(f"{framework}:{control}" for control in controls))
    return {rule: tuple(controls) for rule, controls in found.items()}


def source_of_mapping(framework: Framework) -> str:
    """Return where the mapping of rules to a framework's controls comes from."""
    sources = _sources()
    if framework in sources["files"]:
        return f"{sources['source']} at {sources['commit']}, {sources['files'][framework]} ({sources['licence']})"
    if "references" in published(framework):
        return "The publisher's references to NIST 800-53 revision 5, and what our rules and cdk-nag's name there."
    return "The controls that our rules and the rules of cdk-nag's packs name."


@cache
def _sources() -> dict[str, Any]:
    sources: dict[str, Any] = json.loads(SOURCES.read_text("utf-8"))
    return sources


@cache
def _of_references(controls: tuple[str, ...]) -> tuple[str, ...]:
    """Return the controls that refer to one of these of NIST 800-53 revision 5, or to the control of an enhancement."""
    named = {control for framework, control in map(split, controls) if framework is Framework.NIST_R5}
    named |= {control.partition("(")[0] for control in named}
    return tuple(_referring(frozenset(named)))


def _referring(named: frozenset[str]) -> Iterator[str]:
    for framework in Framework:
        for control, referred in published(framework).get("references", {}).items():
            if not named.isdisjoint(referred):
                yield f"{framework}:{control}"
