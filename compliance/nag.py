"""Reads what the cdk-nag packs left in a cloud assembly: the CDK's report, and the record of every answer."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from compliance.judge import Findings, row
from compliance.ledger import Advice, Finding, RuleInfo, Severity, Verdict
from compliance.templates import Resource, World

PACKS: Final = ("AwsSolutions", "NIST.800.53.R4", "NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321", "Serverless")
OUR_PLUGINS: Final = ("CloudFormation", "Lockstep", "Acknowledgements")
"""Their rows are not read back from the report: the gate asks our rules itself, and keeps what passes too."""
REPORT: Final = "validation-report.json"

_THREW: Final = "Rule threw an error during validation."
_CONTROLS: Final = re.compile(r"\s*-?\s*\(Control IDs?: ([^()]*(?:\([^()]*\)[^()]*)*)\)")
_FIX: Final = (
    "Change the resource in infra/ so that the rule holds. Where it should not hold, enter a decision in "
    "compliance/acknowledgements.toml with this rule and this path."
)


Locate: TypeAlias = Callable[[str], Resource | None]
"""Finds the resource at a construct path of the synthesized app."""


class NagError(Exception):
    """The packs left nothing to read, so nothing is known."""


def read(directory: Path, world: World, locate: Locate, *, recorded: bool) -> Findings:
    """Read the packs' answers about an assembly that was just synthesized.

    Args:
        directory: The cloud assembly.
        world: What was synthesized.
        locate: Finds the resource at a construct path; None for a path that is no resource of the world's.
        recorded: Whether the packs were made to record every answer. A pack without a record is then NOT_EVALUATED.

    Raises:
        NagError: There is no validation report: no plugin ran.
    """
    file = directory / REPORT
    if not file.is_file():
        raise NagError(f"{file} was not written: no validation plugin ran, so nothing was judged")
    records = [json.loads(record.read_text("utf-8")) for record in sorted(directory.glob("nag-verdicts.*.json"))]
    reader = _Reader({record["pack"]: record for record in records}, world, locate)
    for plugin in json.loads(file.read_text("utf-8"))["pluginReports"]:
        reader.read_plugin(plugin)
    for pack in PACKS:
        if pack in reader.records:
            reader.read_passes(reader.records[pack])
            reader.require_all_seen(reader.records[pack])
        elif recorded:
            reader.add_not_run(pack, "the pack left no record of its answers")
    return reader.findings


@dataclass
class _Reader:
    """Turns what the packs left into rows.

    Attributes:
        records: The record of each pack's every answer, by pack; empty where nothing recorded them.
        world: What was synthesized.
        locate: Finds the resource at a construct path.
        findings: The rows so far.
    """

    records: dict[str, dict[str, Any]]
    world: World
    locate: Locate
    findings: Findings = field(default_factory=Findings)

    def read_plugin(self, plugin: Mapping[str, Any]) -> None:
        """Read one plugin's part of the CDK's report."""
        pack = plugin["pluginName"].replace(" ", "-")
        failure = (plugin.get("metadata") or {}).get("error")
        if failure:
            self.add_not_run(pack, str(failure))
        if pack in OUR_PLUGINS:
            return
        # Whether the CDK suppressed a violation is not asked: the registry alone decides what is acknowledged.
        for violation in (*plugin["violations"], *plugin.get("suppressedViolations", ())):
            for construct in violation["violatingConstructs"]:
                self._read_violation(pack, violation, construct.get("constructPath", ""))

    def read_passes(self, record: Mapping[str, Any]) -> None:
        """Read what the CDK's report leaves out: the rules that passed, and how often one did not apply."""
        pack = record["pack"]
        self.findings.not_applicable[pack] += record["notApplicable"]
        for name, answers in record["rules"].items():
            rule = self._rule(pack, name, "", answers["level"])
            for path in answers["passed"]:
                self._add(rule, Verdict.PASS, path, "")

    def require_all_seen(self, record: Mapping[str, Any]) -> None:
        """A resource that the pack was never asked about has no finding, and no pass either."""
        pack = record["pack"]
        located = (self.locate(path) for path in record["seen"])
        seen = {(resource.template.name, resource.logical_id) for resource in located if resource}
        for template in self.world.templates:
            for resource in template.resources:
                if (template.name, resource.logical_id) not in seen:
                    message = "the pack was not asked about this resource"
                    found = row(_ran(pack).id, Verdict.NOT_EVALUATED, resource, self.world.environment, message)
                    self.findings.add(_ran(pack), found)

    def add_not_run(self, pack: str, why: str) -> None:
        """A pack that did not run, or not to its end."""
        self._add(_ran(pack), Verdict.NOT_EVALUATED, pack, why)

    def _read_violation(self, pack: str, violation: Mapping[str, Any], path: str) -> None:
        description = violation["description"]
        rule = self._rule(pack, violation["ruleName"], description, violation.get("severity", "error"))
        if pack not in PACKS and rule.severity is Severity.WARNING:
            advice = Advice(
                rule=rule.id,
                configuration=self.world.environment,
                stack=path.partition("/")[0],
                path=path,
                message=rule.title,
            )
            self.findings.advice.append(advice)
        elif description.startswith(_THREW):
            self._add(rule, Verdict.NOT_EVALUATED, path, description)
        else:
            self._add(rule, Verdict.FAIL, path, rule.title)

    def _add(self, rule: RuleInfo, verdict: Verdict, path: str, message: str) -> None:
        resource = self.locate(path)
        found = Finding(
            rule=rule.id,
            verdict=verdict,
            configuration=self.world.environment,
            stack=resource.template.name if resource else path.partition("/")[0],
            region=resource.template.region if resource else "",
            path=resource.path if resource else path,
            logical_id=resource.logical_id if resource else "",
            resource_type=resource.type if resource else "",
            message=message,
        )
        self.findings.add(rule, found)

    def _rule(self, pack: str, name: str, description: str, severity: str) -> RuleInfo:
        """The rule in words: the pack's own where they were recorded, else parted from the report's description."""
        recorded = self.records.get(pack, {}).get("rules", {}).get(name.partition("[")[0])
        text, controls = _without_controls(recorded["info"] if recorded else description)
        title, why = (text, recorded["explanation"]) if recorded else text.partition(". ")[::2]
        return RuleInfo(
            id=f"{pack}::{name}",
            title=title.strip().rstrip("."),
            why=why.strip(),
            fix=_FIX,
            severity=Severity.WARNING if severity.lower().startswith("warn") else Severity.ERROR,
            controls=controls,
        )


def _ran(pack: str) -> RuleInfo:
    return RuleInfo(
        id=f"{pack}::Ran",
        title=f"The pack {pack} is asked about every resource",
        why="A pack that did not run found nothing, which looks like a pack that found nothing wrong.",
        fix="Read the message: it is what stopped the pack. Run the gate by `python -m compliance`.",
    )


def _without_controls(text: str) -> tuple[str, tuple[str, ...]]:
    found = _CONTROLS.search(text)
    if not found:
        return text, ()
    controls = tuple(control.strip() for control in found[1].split(",") if control.strip())
    return _CONTROLS.sub("", text), tuple(dict.fromkeys(controls))
