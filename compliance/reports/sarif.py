"""Render report.sarif for code scanning, which shows findings at the lines of a pull request (SARIF 2.1.0).

Rows that passed are left out: SARIF is for results that need action, and ledger.csv has every row.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from compliance.controls.bridge import local_id
from compliance.engine.findings import DecisionUse, Finding, Findings, RuleInfo, Severity, Subject, Verdict
from compliance.reports.places import identified, source_of, template_files
from reporting.text import dumps, one_line, printable

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_FINGERPRINT: Final = "ruleConstructConfiguration/v1"
_PROJECT: Final = "PROJECT"
_EVIDENCE: Final = "EVIDENCE"
_LISTED: Final = {Verdict.FAIL, Verdict.NOT_EVALUATED, Verdict.ACKNOWLEDGED}
_PLACEHOLDER: Final = re.compile(r"\{(\d+)\}")
_LINK: Final = re.compile(r"\[(?=[^\]]*\]\()")

_Json = dict[str, Any]


def render(ledger: Findings) -> str:
    """Return the report as JSON text, the same bytes for the same ledger."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_Run(ledger).as_json()]}
    return dumps(log, depth=4)


class _Run:
    """Builds the run of the log: rules, taxonomies and artifacts, and the results that refer to them by index."""

    def __init__(self, ledger: Findings) -> None:
        self._ledger = ledger
        self._rules = sorted(ledger.rules)
        self._rule_index = {rule: index for index, rule in enumerate(self._rules)}
        self._files = template_files(ledger.subjects)
        self._given = {(subject.configuration, subject.name): subject.file for subject in ledger.subjects if subject.file}
        self._file_of = {(subject.configuration, subject.name): file for subject, file in self._files.items()}
        self._artifact_index = {file: index for index, file in enumerate(self._files.values())}

    def as_json(self) -> _Json:
        """Return the `run` object."""
        configurations = "+".join(self._ledger.configurations) or "none"
        return {
            "tool": {"driver": self._driver()},
            "automationDetails": {"id": f"lockstep/compliance/{quote(configurations, safe='+')}/"},
            "invocations": [self._invocation()],
            **({"versionControlProvenance": [origin]} if (origin := self._origin()) else {}),
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {
                _PROJECT: {"description": {"text": "The root of the project."}},
                _EVIDENCE: {"description": {"text": "The root of evidence.zip."}},
            },
            "taxonomies": [self._taxonomy(framework) for framework in self._controls],
            "artifacts": [_artifact(subject, file) for subject, file in self._files.items()],
            "results": list(self._results()),
            "properties": {"passed": self._ledger.passed, "judgedOn": self._ledger.judged_on.isoformat()},
        }

    def _invocation(self) -> _Json:
        run = self._ledger.run
        times = {"startTimeUtc": run["started"], "endTimeUtc": run["ended"], "account": run["by"]} if run else {}
        return {"executionSuccessful": self._ledger.evaluated > 0, **times}

    def _origin(self) -> _Json:
        """Return the checkout that was judged; empty where its repository or its commit is unknown."""
        repository, commit = self._ledger.run.get("repository"), self._ledger.revision.get("commit")
        if not repository or not commit:
            return {}
        return {
            "repositoryUri": repository,
            "revisionId": commit,
            "mappedTo": {"uriBaseId": _PROJECT},
            "properties": {"dirty": self._ledger.revision["dirty"]},
        }

    @cached_property
    def _controls(self) -> dict[str, list[str]]:
        """Return every control of each framework that a rule serves."""
        pairs = {_control(control) for rule in self._ledger.rules.values() for control in rule.controls}
        frameworks = sorted({framework for framework, _ in pairs})
        return {framework: sorted(control for found, control in pairs if found == framework) for framework in frameworks}

    def _driver(self) -> _Json:
        return {
            "name": "Lockstep compliance",
            "rules": [self._rule(self._ledger.rules[rule]) for rule in self._rules],
            "supportedTaxonomies": [
                {"name": name, "index": index, "guid": _guid(name)} for index, name in enumerate(self._controls)
            ],
        }

    def _rule(self, rule: RuleInfo) -> _Json:
        frameworks = list(self._controls)
        taxa = [_control(control) for control in rule.controls]
        return {
            "id": rule.id,
            "name": local_id(rule.id) or rule.id,
            "shortDescription": {"text": _text(rule.title)},
            "fullDescription": {"text": _text(rule.why or rule.title)},
            "help": {"text": _text(f"{rule.why}\nFix: {rule.fix}")},
            "defaultConfiguration": {"level": _level(rule)},
            "relationships": [
                {
                    "target": {
                        "id": control,
                        "index": self._controls[framework].index(control),
                        "toolComponent": {"name": framework, "index": frameworks.index(framework)},
                    },
                    "kinds": ["relevant"],
                }
                for framework, control in taxa
            ],
            "properties": {"tags": ["compliance", rule.pack], "problem.severity": _level(rule)},
        }

    def _taxonomy(self, framework: str) -> _Json:
        return {
            "name": framework,
            "guid": _guid(framework),
            "shortDescription": {"text": "Controls that the rules serve. A mapping, not a certification."},
            "isComprehensive": False,
            "taxa": [{"id": control} for control in self._controls[framework]],
        }

    def _results(self) -> Iterator[_Json]:
        reasons = {use.id: use for use in self._ledger.decisions}
        for finding, fingerprint in identified(self._ledger, _LISTED):
            result = self._result(finding, fingerprint)
            if finding.verdict is Verdict.ACKNOWLEDGED:
                use = reasons.get(finding.decision)
                result["suppressions"] = [
                    {
                        "kind": "external",
                        "status": "accepted",
                        "justification": printable(use.reason.strip()) if use else finding.decision,
                        "properties": {
                            "decision": finding.decision,
                            **(_decided(use) if use else {}),
                        },
                    }
                ]
            yield result

    def _result(self, finding: Finding, fingerprint: str) -> _Json:
        rule = self._ledger.rules[finding.rule]
        message = finding.message or rule.title
        # SARIF's kind "open" would fit a rule that could not be evaluated. It has no level, so it would stop no pull
        # request, while this gate fails on it.
        unknown = "Not evaluated: " if finding.verdict is Verdict.NOT_EVALUATED else ""
        source, template = self._in_source(finding), self._in_template(finding)
        return {
            "ruleId": finding.rule,
            "ruleIndex": self._rule_index[finding.rule],
            "kind": "fail",
            "level": _level(rule),
            "message": {"text": _text(f"{unknown}{message}")},
            "locations": [_location(finding, source or template)],
            **({"relatedLocations": [_related(template)]} if source and template else {}),
            "partialFingerprints": {_FINGERPRINT: fingerprint},
            "properties": {
                "verdict": finding.verdict.value,
                "configuration": finding.configuration,
                "stack": finding.stack,
                "region": finding.region,
                "resourceType": finding.resource_type,
            },
        }

    def _in_source(self, finding: Finding) -> _Json | None:
        file, line = source_of(finding)
        if file:
            return _physical(quote(file), _PROJECT, line)
        given = self._given.get((finding.configuration, finding.stack))
        return _given(given, finding.line) if given else None

    def _in_template(self, finding: Finding) -> _Json | None:
        file = self._file_of.get((finding.configuration, finding.stack))
        return _physical(file, _EVIDENCE, finding.line, self._artifact_index[file]) if file else None


def _artifact(subject: Subject, file: str) -> _Json:
    return {
        "location": {"uri": file, "uriBaseId": _EVIDENCE},
        "roles": ["analysisTarget"],
        "hashes": {"sha-256": subject.sha256},
    }


def _given(file: str, line: int) -> _Json:
    """Return the template file of --template: relative to the working folder, or absolute outside of it."""
    path = Path(file)
    if path.is_absolute() and not path.is_relative_to(Path.cwd()):
        return _at_line({"artifactLocation": {"uri": path.as_uri()}}, line)
    inside = path.relative_to(Path.cwd()) if path.is_absolute() else path
    return _physical(quote(inside.as_posix()), _PROJECT, line)


def _at_line(physical: _Json, line: int) -> _Json:
    return {**physical, **({"region": {"startLine": line}} if line > 0 else {})}


def _physical(uri: str, base: str, line: int, artifact: int | None = None) -> _Json:
    index = {} if artifact is None else {"index": artifact}
    return _at_line({"artifactLocation": {"uri": uri, "uriBaseId": base, **index}}, line)


def _location(finding: Finding, physical: _Json | None) -> _Json:
    logical = {"fullyQualifiedName": one_line(finding.path), "kind": "resource"}
    if finding.logical_id:
        logical["name"] = one_line(finding.logical_id)
    return {**({"physicalLocation": physical} if physical else {}), "logicalLocations": [logical]}


def _related(template: _Json) -> _Json:
    return {"id": 1, "message": {"text": "The resource in the template."}, "physicalLocation": template}


def _control(qualified: str) -> tuple[str, str]:
    framework, _, control = qualified.partition(":")
    return (framework, control) if control else ("unqualified", framework)


def _guid(framework: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"lockstep:taxonomy:{framework}"))


def _level(rule: RuleInfo) -> str:
    return "error" if rule.severity is Severity.ERROR else "warning"


def _text(text: str) -> str:
    """Return the text with SARIF's placeholders, `{0}`, and links, `[text](target)`, escaped."""
    return _LINK.sub(r"\\[", _PLACEHOLDER.sub(r"{{\1}}", printable(text))).strip() or "-"


def _decided(use: DecisionUse) -> dict[str, str]:
    by = {"owner": use.owner, "approver": use.approver, "ticket": use.ticket}
    return {**by, "decided": use.decided.isoformat(), "expires": use.expires.isoformat()}
