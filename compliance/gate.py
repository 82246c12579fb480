"""The gate: judges an app in every configuration, or templates as they are, and fills the ledger."""

import hashlib
import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from compliance import acknowledgements, coverage, nag, native
from compliance.acknowledgements import Facts, Registry
from compliance.judge import Findings, judge
from compliance.ledger import Finding, Ledger, Subject, Verdict
from compliance.loading import Assembly, load_assembly
from compliance.rules import our_rules
from compliance.templates import Json, Resource, Template, World

MATRIX: Final = ("prod", "staging", "dev")
"""Every configuration that is kept at zero findings. A decision that none of them needs is stale."""

_VPC_DEFAULT_GROUP: Final = "-VPCDefaultSecurityGroupClosed"
_CLOSES_DEFAULT_GROUP: Final = "Custom::VpcRestrictDefaultSG"

Say = Callable[[str], None]
"""Told what the gate does next."""


class GateError(Exception):
    """The gate could not do its work. The message says why and what to do. Never a pass."""


@dataclass
class _Run:
    """What the configurations of one run have found so far."""

    registry: Registry
    findings: Findings = field(default_factory=Findings)
    subjects: list[Subject] = field(default_factory=list)
    configurations: dict[str, Facts] = field(default_factory=dict)
    explained: Mapping[str, str] = field(default_factory=lambda: coverage.read_uncovered(coverage.DEFAULT_FILE))

    def judge_coverage(self, *, recorded: bool) -> None:
        """Look for types that no rule looked at: only a record of every answer can tell."""
        if recorded:
            self.findings.extend(coverage.judge(self.findings, self.explained))

    def add(self, world: World, facts: Facts, found: Findings, rows: list[Finding]) -> None:
        """Take over what one configuration found, with its rows as the registry left them."""
        found.rows = rows
        self.findings.extend(found)
        self.subjects.extend(_subject(world.name, template) for template in world.templates)
        self.configurations[world.name] = facts

    def ledger(self, today: date) -> Ledger:
        rows = [*self.findings.rows, *self.registry.defects]
        return Ledger(
            findings=tuple(rows),
            rules={**self.findings.rules, **acknowledgements.RULES, **coverage.RULES},
            judged_on=today,
            silent=self.findings.silent,
            configurations=tuple(self.configurations),
            subjects=tuple(self.subjects),
            decisions=self.registry.uses(rows),
            advice=tuple(self.findings.advice),
            registry=self.registry.text,
            explained=self.explained,
        )


def judge_app(app: str, environments: Sequence[str], registry: Registry, today: date, say: Say) -> Ledger:
    """Synthesize an app in each configuration, gated as a deployment of it is, and judge what it wrote.

    Args:
        app: `<module>:<function>`; the function takes `environment` and `outdir` and returns an App without packs.
        environments: The configurations to judge. Stale decisions are looked for when the whole matrix is among them.
        registry: The decisions.
        today: The day on which expiry was judged.
        say: Told what happens.

    Raises:
        GateError: The app cannot be imported, built or synthesized.
    """
    say("starting the CDK")
    from compliance import plugin  # noqa: PLC0415 - it starts Node.js, which a mere --help must not

    build = _import_factory(app)
    run = _Run(registry)
    for environment in environments:
        with TemporaryDirectory(prefix="compliance-") as directory:
            say(f"{environment}: synthesizing")
            try:
                plugin.synthesize_gated(build, environment, directory, registry)
            except Exception as error:
                raise GateError(f"{app} cannot be synthesized for environment {environment!r}: {error}") from error
            say(f"{environment}: judging")
            _judge_synthesized(run, Path(directory), environment, recorded=plugin.RECORDS)
    run.judge_coverage(recorded=plugin.RECORDS)
    if set(environments) >= set(MATRIX):
        run.findings.extend(coverage.stale(run.findings, run.explained, whole=False))
        run.findings.rows += acknowledgements.stale(registry, run.findings.rows, run.configurations)
    return run.ledger(today)


def judge_templates(templates: Sequence[Template], environment: str, today: date, say: Say) -> Ledger:
    """Judge templates that nobody synthesized here. No decision of ours covers them.

    Raises:
        LoadError: The CDK cannot load one of them.
        GateError: The packs did not run.
    """
    run = _Run(Registry())
    _judge_included(run, Assembly(templates=tuple(templates)), environment, say)
    return run.ledger(today)


def judge_assembly(directory: Path, environment: str, registry: Registry, today: date, say: Say) -> Ledger:
    """Judge a cloud assembly as it is on disk, by its templates, stack names and regions.

    Construct paths come from its metadata, so the registry's decisions hold as they do for the app.

    Raises:
        LoadError: It is not an assembly, or the CDK cannot load one of its templates.
        GateError: The packs did not run.
    """
    run = _Run(registry)
    _judge_included(run, load_assembly(directory), environment, say)
    return run.ledger(today)


def _judge_synthesized(run: _Run, directory: Path, environment: str, *, recorded: bool) -> None:
    assembly = load_assembly(directory)
    world = _world(assembly, environment)
    by_path = {resource.path: resource for template in world.templates for resource in template.resources}
    found = _judge_ourselves(world)
    found.extend(_read_packs(directory, world, by_path.get, recorded=recorded))
    _conclude(run, assembly, world, found)


def _judge_included(run: _Run, assembly: Assembly, environment: str, say: Say) -> None:
    say("starting the CDK")
    from compliance import plugin  # noqa: PLC0415 - it starts Node.js, which a mere --help must not

    world = _world(assembly, environment)
    by_path = {
        plugin.included_path(index, resource.logical_id): resource
        for index, template in enumerate(world.templates)
        for resource in template.resources
    }
    with TemporaryDirectory(prefix="compliance-") as directory:
        say(f"{len(world.templates)} templates: judging")
        plugin.judge_included(world.templates, Path(directory))
        packs = _read_packs(Path(directory) / "out", world, by_path.get, recorded=plugin.RECORDS)
    packs.rows = [_answered_by_the_template(row, world) for row in packs.rows]
    found = _judge_ourselves(world)
    found.extend(packs)
    _conclude(run, assembly, world, found)
    run.judge_coverage(recorded=plugin.RECORDS)


def _judge_ourselves(world: World) -> Findings:
    found = native.validate(world)
    found.extend(judge(world, our_rules()))
    return found


def _conclude(run: _Run, assembly: Assembly, world: World, found: Findings) -> None:
    facts = {
        "environment": (world.environment,),
        "region": tuple(dict.fromkeys(template.region for template in world.templates if template.region)),
    }
    rows = acknowledgements.apply(run.registry, found.rows, facts)
    rows += acknowledgements.unregistered(run.registry, assembly.acknowledged, facts, _packs())
    run.add(world, facts, found, rows)


def _packs() -> tuple[str, ...]:
    """Every pack whose findings an acknowledgement can silence."""
    return (*nag.PACKS, native.PACK, *sorted({rule.info.pack for rule in our_rules()}))


def _read_packs(directory: Path, world: World, locate: Callable[[str], Resource | None], *, recorded: bool) -> Findings:
    try:
        return nag.read(directory, world, locate, recorded=recorded)
    except nag.NagError as error:
        raise GateError(str(error)) from error


def _world(assembly: Assembly, environment: str) -> World:
    return World(templates=assembly.templates, environment=environment, taggable=native.taggable_types(assembly.templates))


def _answered_by_the_template(row: Finding, world: World) -> Finding:
    """A pass for a VPC whose template closes its default security group; else the row as it is.

    cdk-nag answers that rule only from a tree of constructs: it looks for one of a certain name beside the VPC. An
    included template has no such tree, but it does show the custom resource that closes the group.
    """
    if not row.rule.endswith(_VPC_DEFAULT_GROUP) or row.verdict is not Verdict.FAIL:
        return row
    closed = any(
        resource.type == _CLOSES_DEFAULT_GROUP and _mentions(resource.properties, row.logical_id)
        for template in world.templates
        if template.name == row.stack
        for resource in template.resources
    )
    return replace(row, verdict=Verdict.PASS, message="") if closed else row


def _mentions(value: Json, vpc: str) -> bool:
    if value == {"Fn::GetAtt": [vpc, "DefaultSecurityGroup"]}:
        return True
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_mentions(child, vpc) for child in children)


def _subject(configuration: str, template: Template) -> Subject:
    text = template.text or json.dumps(template.body, sort_keys=True)
    return Subject(
        configuration=configuration,
        name=template.name,
        stack_name=template.stack_name,
        region=template.region,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        resources=len(template.resources),
        text=text,
    )


def _import_factory(app: str) -> Callable[..., Any]:
    module, _, name = app.partition(":")
    if not module or not name:
        raise GateError(f"--app {app!r} must be <module>:<function>, as infra.app:build_app")
    try:
        factory: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise GateError(f"--app {app!r} cannot be imported from {Path.cwd()}: {error}") from error
    return factory
