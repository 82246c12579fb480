"""Render assessment-results.json in NIST's OSCAL. A test loads it into compliance-trestle's object model.

It has a finding for each control, an observation for each rule and answer, and a risk for each decision in use.
Identifiers are derived from the names of things, so the same ledger always gives the same bytes.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from compliance.controls.coverage import control_states
from compliance.engine.findings import DecisionUse, Finding, Findings, Subject, Verdict
from compliance.reports.places import every_field, template_files
from reporting.text import dumps, one_line, printable

OSCAL_VERSION: Final = "1.2.1"

_NAMESPACE: Final = "https://lockstep.invalid/oscal"
_SPACE: Final = uuid5(NAMESPACE_URL, _NAMESPACE)
_UNNAMEABLE: Final = re.compile(r"[^a-z0-9._-]+")
_ENHANCEMENT: Final = re.compile(r"^([a-z]{2}-\d+)\((\d+)\)$")

_RUN: Final = ("by", "host", "system", "repository", "ci_run")

_Json = dict[str, Any]


class _Place(NamedTuple):
    """Key of an inventory item: a resource or a template."""

    configuration: str
    stack: str
    path: str


class Answer(NamedTuple):
    """Key of an observation: a rule and its answer."""

    rule: str
    verdict: Verdict
    decision: str
    message: str


def render(ledger: Findings) -> str:
    """Return the report as JSON text, the same bytes for the same ledger."""
    return dumps({"assessment-results": Results(ledger).as_json()}, depth=5)


class Results:
    """Builds the parts of the document, which refer to each other.

    Attributes:
        identity: Text that is the same for the same templates and day.
        answers: The rows of each answer.
        uses: The decisions that accepted something, by id.
    """

    def __init__(self, ledger: Findings) -> None:
        self._ledger = ledger
        self._day = _midnight(ledger.judged_on)
        self.identity = "|".join(
            (self._day, *(f"{subject.configuration}/{subject.name}/{subject.sha256}" for subject in ledger.subjects))
        )
        self.answers = _grouped(ledger.findings)
        self._states = control_states(ledger)
        self.uses = {use.id: use for use in ledger.decisions if use.acknowledged}
        self._gate = identifier("tool", "gate")
        self._plan = identifier("plan", "gate")

    def as_json(self) -> _Json:
        """Return the `assessment-results` object."""
        return {
            "uuid": identifier("assessment", self.identity),
            "metadata": self.metadata("Compliance of infrastructure before it is deployed"),
            "import-ap": {"href": f"#{self._plan}"},
            "results": [self._result()],
            "back-matter": {"resources": [self._plan_resource(), *self._templates()]},
        }

    def metadata(self, title: str) -> _Json:
        """Return the `metadata` of a document about the ledger."""
        return {
            "title": title,
            "last-modified": self._day,
            "version": self._ledger.judged_on.isoformat(),
            "oscal-version": OSCAL_VERSION,
            "remarks": "A mapping of automated rules to controls, not a certification.",
        }

    def _result(self) -> _Json:
        by_control = self._by_control()
        optional = {
            "observations": [self.observation(answer, rows) for answer, rows in self.answers.items()],
            "risks": [self.risk(use) for use in self.uses.values()],
            "findings": [self._finding(*control, answers) for control, answers in by_control.items()],
        }
        return {
            "uuid": identifier("result", self.identity),
            "title": f"Compliance {'passed' if self._ledger.passed else 'failed'}",
            "description": (
                f"Every rule was asked about every resource of {len(self._ledger.subjects)} templates "
                f"({', '.join(self._ledger.configurations) or 'no configuration'})."
            ),
            "start": self._ledger.run.get("started", self._day),
            "end": self._ledger.run.get("ended", self._day),
            "props": [
                *(prop(f"rows-{verdict.value.lower()}", str(count)) for verdict, count in self._ledger.counts.items()),
                prop("passed", str(self._ledger.passed).lower()),
                *(prop(name.replace("_", "-"), self._ledger.run[name]) for name in _RUN if name in self._ledger.run),
                *(prop(f"revision-{name}", str(value)) for name, value in self._ledger.revision.items()),
            ],
            "local-definitions": self.definitions(self._ledger.findings),
            "reviewed-controls": self._reviewed(by_control),
            "attestations": [{"parts": self._responsibilities()}],
            **{name: items for name, items in optional.items() if items},
        }

    def definitions(self, rows: Iterable[Finding]) -> _Json:
        """Return the gate as a component, and what the rows are about as inventory items."""
        items = [_item(place, row) for place, row in _places(rows).items()]
        tool = {
            "uuid": self._gate,
            "type": "software",
            "title": "Lockstep compliance",
            "description": "The gate: cdk-nag's packs, AWS's CloudFormation validation and rules of our own.",
            "status": {"state": "operational"},
        }
        return {"components": [tool], **({"inventory-items": items} if items else {})}

    def _by_control(self) -> dict[tuple[str, str], list[Answer]]:
        """Return the answers for each control, by framework and control; a control without answers is left out."""
        by_rule: dict[str, list[Answer]] = defaultdict(list)
        for answer in self.answers:
            by_rule[answer.rule].append(answer)
        behind = {
            (state.framework, state.control): [answer for rule in state.rules for answer in by_rule[rule]]
            for state in self._states
        }
        return {control: answers for control, answers in behind.items() if answers}

    def _reviewed(self, controls: Iterable[tuple[str, str]]) -> _Json:
        by_framework: dict[str, list[str]] = defaultdict(list)
        for framework, control in controls:
            by_framework[framework].append(_token(framework, control))
        selections = [
            {
                "description": f"Controls of {framework} that at least one rule serves and answered for.",
                "include-controls": [{"control-id": token} for token in dict.fromkeys(tokens)],
            }
            for framework, tokens in by_framework.items()
        ]
        # OSCAL cannot express that no control was reviewed: a selection has at least one.
        nothing = {
            "description": "No rule that answered serves a control; `none` is the id of no control.",
            "include-controls": [{"control-id": "none"}],
        }
        return {
            "description": "No rule answered for a control that is not listed; controls.json says who does.",
            "control-selections": selections or [nothing],
        }

    def _responsibilities(self) -> list[_Json]:
        """Return who answers for the controls that no rule decided, those together that have the same answer."""
        found: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for state in self._states:
            if not state.automated:
                found[state.framework, state.status, state.reason, state.owner, state.evidence].append(state.control)
        return [
            {
                "uuid": identifier("responsibility", framework, status, reason, owner, evidence),
                "name": "responsibility",
                "title": f"{framework}: {status}",
                "props": [
                    prop("framework", framework),
                    prop("status", status),
                    *(prop(name, text) for name, text in (("owner", owner), ("evidence", evidence)) if text),
                    *(prop("control", control) for control in controls),
                ],
                "prose": f"{status[0].upper()}{status[1:]}: {', '.join(controls)}.{f' {reason}' if reason else ''}",
            }
            for (framework, status, reason, owner, evidence), controls in found.items()
        ]

    def observation(self, answer: Answer, rows: list[Finding]) -> _Json:
        """Return a rule's answer about some resources."""
        rule = self._ledger.rules[answer.rule]
        subjects = {_item_id(_place(row)): row for row in rows}
        return {
            "uuid": _observation_id(answer),
            "title": one_line(answer.rule) or "rule",
            "description": printable(answer.message or rule.title) or "-",
            "props": [
                prop("rule", answer.rule),
                prop("verdict", answer.verdict.value),
                *([prop("decision", answer.decision)] if answer.decision else []),
            ],
            "methods": ["TEST"],
            "types": ["finding" if answer.verdict is not Verdict.PASS else "control-objective"],
            "origins": [self.origin()],
            "subjects": [{"subject-uuid": item, "type": "inventory-item"} for item in subjects],
            **({"relevant-evidence": evidence} if (evidence := _evidence(subjects)) else {}),
            "collected": self._day,
            "remarks": f"Why: {printable(rule.why) or '-'}\nFix: {printable(rule.fix) or '-'}",
        }

    def risk(self, use: DecisionUse) -> _Json:
        """Return what a decision accepts, until its last day."""
        covered = [answer for answer in self.answers if answer.decision == use.id]
        return {
            "uuid": risk_id(use.id),
            "title": one_line(use.title) or use.id,
            "description": printable(use.reason.strip()),
            "statement": f"{use.acknowledged} findings are accepted by a decision of {one_line(use.approver)}.",
            "props": [
                *(prop("decision", use.id), prop("owner", use.owner), prop("approver", use.approver)),
                *(prop("ticket", use.ticket), prop("decided", use.decided.isoformat())),
            ],
            "status": "deviation-approved",
            "origins": [self.origin()],
            "deadline": _midnight(use.expires),
            **({"related-observations": related(covered)} if covered else {}),
        }

    def _finding(self, framework: str, control: str, answers: list[Answer]) -> _Json:
        risks = dict.fromkeys(answer.decision for answer in answers if answer.decision in self.uses)
        verdicts = {answer.verdict for answer in answers}
        status, words = _status(verdicts)
        token = _token(framework, control)
        return {
            "uuid": identifier("finding", framework, control),
            "title": one_line(f"{framework} {control}: {words}"),
            "description": f"{words[0].upper()}{words[1:]}, by {len({answer.rule for answer in answers})} rules.",
            "props": [prop("framework", framework), prop("control", control)],
            "origins": [self.origin()],
            "target": {"type": "objective-id", "target-id": token, "status": status},
            "related-observations": related(answers),
            **({"related-risks": [{"risk-uuid": risk_id(decision)} for decision in risks]} if risks else {}),
        }

    def _plan_resource(self) -> _Json:
        return {
            "uuid": self._plan,
            "title": "The assessment plan",
            "description": "Ask every rule of every pack about every resource of every template, before each deployment.",
            "remarks": "The rules, with why each matters, are in report.json; docs/compliance.md describes the gate.",
        }

    def _templates(self) -> list[_Json]:
        return [_template(subject, file) for subject, file in template_files(self._ledger.subjects).items()]

    def origin(self) -> _Json:
        """Return the gate as the origin of an observation or a risk."""
        return {"actors": [{"type": "tool", "actor-uuid": self._gate}]}


def _evidence(subjects: Mapping[str, Finding]) -> list[_Json]:
    """Return what was observed of each subject, the same of several together."""
    seen: dict[str, list[str]] = defaultdict(list)
    for item, row in subjects.items():
        if row.observed:
            seen[row.observed].append(item)
    return [
        {"description": printable(text), "props": [prop("subject-uuid", item) for item in items]}
        for text, items in seen.items()
    ]


def _status(verdicts: set[Verdict]) -> tuple[_Json, str]:
    """Return the status by the worst answer. An accepted deviation is still a deviation."""
    if Verdict.FAIL in verdicts or Verdict.NOT_EVALUATED in verdicts:
        return {"state": "not-satisfied", "reason": "fail"}, "automated and failing"
    if Verdict.ACKNOWLEDGED in verdicts:
        remarks = "Every open finding was accepted by a decision; see the related risks."
        return {"state": "not-satisfied", "reason": "other", "remarks": remarks}, "automated, with accepted deviations"
    return {"state": "satisfied", "reason": "pass"}, "automated and passing"


def _grouped(findings: Iterable[Finding]) -> dict[Answer, list[Finding]]:
    """Return the rows of each answer, in an order that does not depend on the order of the rows."""
    grouped: dict[Answer, list[Finding]] = defaultdict(list)
    for row in findings:
        grouped[Answer(row.rule, row.verdict, row.decision, row.message)].append(row)
    return {answer: sorted(rows, key=_place) for answer, rows in sorted(grouped.items(), key=lambda item: item[0])}


def _places(findings: Iterable[Finding]) -> Mapping[_Place, Finding]:
    found = {_place(row): row for row in sorted(findings, key=every_field)}
    return dict(sorted(found.items()))


def _place(row: Finding) -> _Place:
    return _Place(row.configuration, row.stack, row.path)


def _item(place: _Place, row: Finding) -> _Json:
    props = {
        "configuration": place.configuration,
        "stack": place.stack,
        "region": row.region,
        "path": place.path,
        "logical-id": row.logical_id,
        "resource-type": row.resource_type,
        "source": row.source,
    }
    return {
        "uuid": _item_id(place),
        "description": one_line(f"{row.resource_type} {place.path}") or "-",
        "props": [prop(name, value) for name, value in props.items() if value],
    }


def _template(subject: Subject, file: str) -> _Json:
    return {
        "uuid": identifier("template", subject.configuration, subject.name, file),
        "title": one_line(f"Template {subject.name} ({subject.configuration})"),
        "rlinks": [{"href": file, "hashes": [{"algorithm": "SHA-256", "value": subject.sha256}]}],
    }


def related(answers: Iterable[Answer]) -> list[_Json]:
    """Return references to the observations of these answers."""
    return [{"observation-uuid": _observation_id(answer)} for answer in answers]


def prop(name: str, value: str) -> _Json:
    """Return a property in our namespace."""
    return {"name": name, "ns": _NAMESPACE, "value": one_line(value) or "-"}


def _observation_id(answer: Answer) -> str:
    return identifier("observation", *answer)


def _item_id(place: _Place) -> str:
    return identifier("item", *place)


def risk_id(decision: str) -> str:
    """Return the identifier of the risk of a decision."""
    return identifier("risk", decision)


@cache
def identifier(*parts: str) -> str:
    """Return the UUID that always stands for these parts."""
    return str(uuid5(_SPACE, chr(0).join(parts)))


@cache
def _token(framework: str, control: str) -> str:
    """Return the id of a control in the form of OSCAL's catalogs: `sc-28.2` for `SC-28(2)`."""
    name = _ENHANCEMENT.sub(r"\1.\2", control.lower())
    plain = _UNNAMEABLE.sub("-", name).strip("-.") or "unnamed"
    if framework.startswith("NIST"):
        return plain
    return f"{_UNNAMEABLE.sub('-', framework.lower())}_{plain}"


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00+00:00"
