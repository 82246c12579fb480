"""Read the results of the cdk-nag packs from a cloud assembly: the CDK's report, and the record of every answer."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import Framework, qualified
from compliance.engine.findings import Advice, Place, RuleInfo, Severity, Verdict
from compliance.engine.judge import FindingsBuilder, place_of

PACKS: Final = ("AwsSolutions", "NIST.800.53.R4", "NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321", "Serverless")
FRAMEWORKS: Final = {
    "NIST.800.53.R4": Framework.NIST_R4,
    "NIST.800.53.R5": Framework.NIST_R5,
    "HIPAA.Security": Framework.HIPAA,
    "PCI.DSS.321": Framework.PCI,
}
"""The framework whose controls a pack's rules name. AwsSolutions and Serverless are good practice and name none."""
REPORT: Final = "validation-report.json"

_THREW: Final = "Rule threw an error during validation."
_CONTROLS: Final = re.compile(r"\s*-?\s*\(Control IDs?: (?P<ids>(?:[^()]|\([^()]*\))*)(?:\)|$)")
_FIX: Final = (
    "Change the resource so that the rule holds. Where it should not hold in our app, docs/compliance.md shows how to "
    "enter a decision for this rule and this path."
)


Locate: TypeAlias = Callable[[str], Resource | None]
"""Finds the resource at a construct path of the synthesized app."""


class NagError(Exception):
    """Raised when the packs left no results."""


def read(directory: Path, world: TemplateSet, locate: Locate) -> FindingsBuilder:
    """Read the packs' answers about an assembly that was just synthesized.

    Args:
        directory: The cloud assembly.
        world: The synthesized templates.
        locate: Finds the resource at a construct path; None if the path is not a resource of the templates.

    Raises:
        NagError: There is no validation report: no plugin ran.
    """
    file = directory / REPORT
    if not file.is_file():
        raise NagError(f"{file} was not written: no validation plugin ran, so nothing was judged")
    records = [json.loads(record.read_text("utf-8")) for record in sorted(directory.glob("nag-verdicts.*.json"))]
    reader = _Reader({record["pack"]: record for record in records}, world, locate)
    for pack in PACKS:
        if pack in reader.records:
            reader.read_record(reader.records[pack])
        else:
            reader.add_not_run(pack, "the pack left no record of its answers")
    for plugin in json.loads(file.read_text("utf-8"))["pluginReports"]:
        reader.read_plugin(plugin)
    return reader.findings


@dataclass
class _Reader:
    """Makes rows from the results of the packs.

    Attributes:
        records: The record of each pack's every answer, by pack.
        world: The synthesized templates.
        locate: Finds the resource at a construct path.
        findings: The rows so far.
        recorded: The rule and path of each row that fails by a record.
    """

    records: dict[str, dict[str, Any]]
    world: TemplateSet
    locate: Locate
    findings: FindingsBuilder = field(default_factory=FindingsBuilder)
    recorded: set[tuple[str, str]] = field(default_factory=set)

    def read_plugin(self, plugin: Mapping[str, Any]) -> None:
        """Read one plugin's part of the CDK's report."""
        pack = plugin["pluginName"].replace(" ", "-")
        failure = (plugin.get("metadata") or {}).get("error")
        if failure:
            self.add_not_run(pack, str(failure))
        # Violations that the CDK suppressed count too: the registry alone decides what is acknowledged.
        for violation in (*plugin["violations"], *plugin.get("suppressedViolations", ())):
            for construct in violation["violatingConstructs"]:
                self._read_violation(pack, violation, construct.get("constructPath", ""))

    def read_record(self, record: Mapping[str, Any]) -> None:
        """Read every answer of a pack, and find the resources that it was not asked about."""
        places = [self._place(path) for path in record["seen"]]
        for name, answers in record["rules"].items():
            rule = self._rule(record["pack"], name, "", answers["level"])
            self.findings.rules.setdefault(rule.id, rule)
            letters = answers["answers"]
            # Nine of ten answers are of this kind, so they are added as one list.
            if silent := [place for letter, place in zip(letters, places, strict=True) if letter == "N"]:
                self.findings.silent.setdefault(rule.id, []).extend(silent)
            for index in (index for index, letter in enumerate(letters) if letter != "N"):
                self._read_answer(rule, letters[index], places[index], answers, str(index))
        self._require_all_seen(record["pack"], {(place.stack, place.logical_id) for place in places})

    def _read_answer(self, rule: RuleInfo, letter: str, place: Place, answers: Mapping[str, Any], index: str) -> None:
        match letter:
            case "P":
                self.findings.add(rule, Verdict.PASS, place)
            case "F":
                for found in answers["found"].get(index, [""]):
                    self._fail(replace(rule, id=f"{rule.id}[{found}]") if found else rule, Verdict.FAIL, place, rule.title)
            case "T":
                message = f"the rule threw: {answers['threw'].get(index, 'its answer is unknown')}"
                self._fail(rule, Verdict.NOT_EVALUATED, place, message)
            case _:
                self.findings.add(rule, Verdict.NOT_EVALUATED, place, "the rule was not asked about this resource")

    def _fail(self, rule: RuleInfo, verdict: Verdict, place: Place, message: str) -> None:
        self.recorded.add((rule.id, place.path))
        self.findings.add(rule, verdict, place, message)

    def _require_all_seen(self, pack: str, seen: set[tuple[str, str]]) -> None:
        """Add a row for each resource that the pack was not asked about, which is not a pass."""
        for template in self.world.templates:
            for resource in template.resources:
                if (template.name, resource.logical_id) not in seen:
                    message = "the pack was not asked about this resource"
                    self.findings.add(_ran(pack), Verdict.NOT_EVALUATED, place_of(resource, self.world), message)

    def add_not_run(self, pack: str, why: str) -> None:
        """Add a row for a pack that did not run to its end."""
        self.findings.add(_ran(pack), Verdict.NOT_EVALUATED, self._place(pack), why)

    def _read_violation(self, pack: str, violation: Mapping[str, Any], path: str) -> None:
        description = violation["description"]
        rule = self._rule(pack, violation["ruleName"], description, violation.get("severity", "error"))
        if pack not in PACKS and rule.severity is Severity.WARNING:
            advice = Advice(
                rule=rule.id,
                configuration=self.world.name,
                stack=path.partition("/")[0],
                path=path,
                message=rule.title,
            )
            self.findings.advice.append(advice)
            return
        # The CDK reports two resources under one rule although the rule threw on one; the record has which.
        place = self._place(path)
        if (rule.id, place.path) not in self.recorded:
            threw = description.startswith(_THREW)
            message = description if threw else rule.title
            self.findings.add(rule, Verdict.NOT_EVALUATED if threw else Verdict.FAIL, place, message)

    def _place(self, path: str) -> Place:
        resource = self.locate(path)
        if resource:
            return place_of(resource, self.world)
        return Place(configuration=self.world.name, stack=path.partition("/")[0], path=path)

    def _rule(self, pack: str, name: str, description: str, severity: str) -> RuleInfo:
        """Return the rule's texts: from the pack's record, else from the report's description."""
        recorded = self.records.get(pack, {}).get("rules", {}).get(name.partition("[")[0])
        text, controls = _without_controls(recorded["info"] if recorded else description)
        framework = FRAMEWORKS.get(pack)
        title, why = (text, recorded["explanation"]) if recorded else text.partition(". ")[::2]
        return RuleInfo(
            id=f"{pack}::{name}",
            title=title.strip().rstrip("."),
            why=why.strip(),
            fix=_FIX,
            severity=Severity.WARNING if severity.lower().startswith("warn") else Severity.ERROR,
            controls=qualified(framework, controls) if framework else (),
        )


def _ran(pack: str) -> RuleInfo:
    return RuleInfo(
        id=f"{pack}::Ran",
        title=f"The pack {pack} is asked about every resource",
        why="A pack that did not run has no findings, and so has a pack that passed.",
        fix="Read the message: it has the error of the pack. Run the gate with `python -m compliance`.",
    )


def _without_controls(text: str) -> tuple[str, tuple[str, ...]]:
    found = _CONTROLS.search(text)
    if not found:
        return text, ()
    controls = (control.strip().rstrip(".") for control in found["ids"].split(","))  # strip knows no-break spaces
    return _CONTROLS.sub("", text), tuple(dict.fromkeys(filter(None, controls)))
