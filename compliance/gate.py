"""The gate: judges an app in every configuration, or templates as they are, and fills the ledger."""

import hashlib
import importlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from compliance import acknowledgements, coverage, nag, native
from compliance.acknowledgements import Facts, Registry
from compliance.branches import variants, worst
from compliance.judge import Findings, judge
from compliance.ledger import Finding, Ledger, Subject, Verdict
from compliance.loading import Assembly, load_assembly
from compliance.matrix import Configuration
from compliance.rules import our_rules
from compliance.templates import Json, Resource, Template, World

_VPC_DEFAULT_GROUP: Final = "-VPCDefaultSecurityGroupClosed"
_CLOSES_DEFAULT_GROUP: Final = "Custom::VpcRestrictDefaultSG"

Say = Callable[[str], None]
"""Told what the gate does next."""


class GateError(Exception):
    """The gate could not do its work. The message says why and what to do. Never a pass."""


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """What one configuration was found to be, before any decision is looked at.

    Attributes:
        configuration: Its name.
        facts: What decisions may ask of it.
        found: The rows of every rule.
        subjects: Its templates.
        acknowledged: Each (construct path, acknowledged id) that the constructs carry.
        recorded: Whether every answer of the packs was recorded.
    """

    configuration: str
    facts: Facts
    found: Findings
    subjects: tuple[Subject, ...]
    acknowledged: tuple[tuple[str, str], ...]
    recorded: bool


def judge_app(  # noqa: PLR0913 - what is judged, by which decisions, and when
    app: str,
    configurations: Sequence[Configuration],
    registry: Registry,
    today: date,
    say: Say,
    *,
    matrix: Sequence[Configuration] = (),
) -> Ledger:
    """Synthesize an app in each configuration with the packs, and judge what it wrote.

    Several configurations are judged side by side, in processes of their own.

    Args:
        app: `<module>:<function>`; the function takes `environment` and `outdir`, and `settings` where a configuration
            has some, and returns an App without packs.
        configurations: What to judge.
        registry: The decisions.
        today: The day on which expiry was judged.
        say: Told what happens.
        matrix: Every configuration that there is. Stale decisions are looked for where at least those are judged that
            have nothing laid over their environment.

    Raises:
        GateError: The app cannot be imported, built or synthesized.
        LoadError: What it wrote cannot be judged.
    """
    judged = _judge_all(app, configurations, say)
    names = {configuration.name for configuration in configurations}
    return _ledger(
        judged,
        registry,
        today,
        plain=bool(matrix) and names >= {each.name for each in matrix if each.plain},
        whole=bool(matrix) and names >= {each.name for each in matrix},
    )


def judge_templates(templates: Sequence[Template], environment: str, today: date, say: Say) -> Ledger:
    """Judge templates that nobody synthesized here. No decision of ours covers them.

    Raises:
        LoadError: The CDK cannot load one of them.
        GateError: The packs did not run.
    """
    ledger = _ledger([_judge_included(Assembly(templates=tuple(templates)), environment, say)], Registry(), today)
    given = {template.name: template.file for template in templates}
    return replace(ledger, subjects=tuple(replace(each, file=given.get(each.name, "")) for each in ledger.subjects))


def judge_assembly(directory: Path, environment: str, registry: Registry, today: date, say: Say) -> Ledger:
    """Judge a cloud assembly as it is on disk, by its templates, stack names and regions.

    Construct paths come from its metadata, so the registry's decisions hold as they do for the app.

    Raises:
        LoadError: It is not an assembly, or the CDK cannot load one of its templates.
        GateError: The packs did not run.
    """
    return _ledger([_judge_included(load_assembly(directory), environment, say)], registry, today)


def _judge_all(app: str, configurations: Sequence[Configuration], say: Say) -> list[_Judged]:
    workers = min(len(configurations), os.cpu_count() or 1)
    if workers <= 1:
        return [_judge_configuration(app, configuration, say) for configuration in configurations]
    # Started afresh and not forked: each needs a Node.js of its own.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        pending = {pool.submit(_judge_configuration, app, each): each for each in configurations}
        say(f"judging {', '.join(each.name for each in configurations)}")
        try:
            for number, future in enumerate(as_completed(pending), start=1):
                future.result()
                say(f"{number} of {len(pending)} judged, last {pending[future].name}")
        except BrokenProcessPool as error:
            raise GateError("a process of the gate ended before its work; is there enough memory?") from error
        finally:
            pool.shutdown(cancel_futures=True)
        return [future.result() for future in pending]


def _judge_configuration(app: str, configuration: Configuration, say: Say = lambda _text: None) -> _Judged:
    say("starting the CDK")
    from compliance import plugin  # noqa: PLC0415 - it starts Node.js, which a mere --help must not

    factory = _import_factory(app)
    settings = {"settings": configuration.settings} if configuration.settings else {}
    with TemporaryDirectory(prefix="compliance-") as directory:
        say(f"{configuration.name}: synthesizing")
        try:
            plugin.synthesize_with_packs(
                lambda: factory(environment=configuration.environment, outdir=directory, **settings),
                meanwhile=_get_ready,
            )
        except Exception as error:
            raise GateError(f"{app} cannot be synthesized for configuration {configuration.name!r}: {error}") from error
        say(f"{configuration.name}: judging")
        assembly = load_assembly(Path(directory))
        world = world_of(assembly, configuration)
        by_path = {resource.path: resource for template in world.templates for resource in template.resources}
        packs = _read_packs(Path(directory), world, by_path.get, recorded=plugin.RECORDS)
    packs.extend(_behind_conditions(world))
    found = _judge_ourselves(world)
    found.extend(worst(packs))
    return _judged(world, assembly, found, recorded=plugin.RECORDS)


def _get_ready() -> None:
    native.warm_up()
    our_rules()


def _judge_included(assembly: Assembly, environment: str, say: Say) -> _Judged:
    say("starting the CDK")
    from compliance import plugin  # noqa: PLC0415 - it starts Node.js, which a mere --help must not

    world = world_of(assembly, Configuration.of(environment))
    say(f"{len(world.templates)} templates: judging")
    packs = packs_on(world, world.templates)
    found = _judge_ourselves(world)
    found.extend(packs)
    return _judged(world, assembly, found, recorded=plugin.RECORDS)


def packs_on(world: World, templates: Iterable[Template]) -> Findings:
    """What the packs say of templates as they are, in every way in which their conditions can turn out.

    Raises:
        LoadError: The CDK cannot load one of them.
        GateError: The packs did not run.
    """
    from compliance import plugin  # noqa: PLC0415 - it starts Node.js, which a mere --help must not

    shown = variants(templates)
    by_path = {
        plugin.included_path(index, resource.logical_id): resource
        for index, (_, template) in enumerate(shown)
        for resource in template.resources
    }
    with TemporaryDirectory(prefix="compliance-") as directory:
        plugin.judge_included([variant for variant, _ in shown], Path(directory))
        packs = _read_packs(Path(directory) / "out", world, by_path.get, recorded=plugin.RECORDS)
    packs.rows = [_answered_by_the_template(row, world) for row in packs.rows]
    return worst(packs)


def _behind_conditions(world: World) -> Findings:
    """What the packs say of synthesized templates whose Fn::If the constructs hide from them; nothing where none has one."""
    hidden = {template.name: template for variant, template in variants(world.templates) if variant.body != template.body}
    if not hidden:
        return Findings()
    found = packs_on(replace(world, templates=tuple(hidden.values())), hidden.values())
    return Findings(rows=[row for row in found.rows if row.verdict is not Verdict.PASS], rules=found.rules)


def _judged(world: World, assembly: Assembly, found: Findings, *, recorded: bool) -> _Judged:
    regions = tuple(dict.fromkeys(template.region for template in world.templates if template.region))
    return _Judged(
        configuration=world.name,
        facts={"environment": (world.environment,), "configuration": (world.name,), "region": regions},
        found=found,
        subjects=tuple(_subject(world.name, template) for template in world.templates),
        acknowledged=assembly.acknowledged,
        recorded=recorded,
    )


def _ledger(
    judged: Sequence[_Judged], registry: Registry, today: date, *, plain: bool = False, whole: bool = False
) -> Ledger:
    """Lay the decisions over what was found, and look for what no configuration alone can show.

    Args:
        judged: Every configuration of the run.
        registry: The decisions.
        today: The day on which expiry was judged.
        plain: Whether every environment is among them as it is.
        whole: Whether every configuration that there is, is among them.
    """
    explained = coverage.read_uncovered(coverage.DEFAULT_FILE)
    findings = Findings()
    for each in judged:
        each.found.rows = acknowledgements.apply(registry, each.found.rows, each.facts)
        each.found.rows += acknowledgements.unregistered(registry, each.acknowledged, each.facts, _packs())
        findings.extend(each.found)
    if all(each.recorded for each in judged):  # only a record of every answer can tell what was not looked at
        findings.extend(coverage.judge(findings, explained))
        if plain:
            findings.extend(coverage.stale(findings, explained, whole=whole))
    if plain:
        matrix = {each.configuration: each.facts for each in judged}
        findings.rows += acknowledgements.stale(registry, findings.rows, matrix, whole=whole)
    rows = [*findings.rows, *registry.defects]
    return Ledger(
        findings=tuple(rows),
        rules={**findings.rules, **acknowledgements.RULES, **coverage.RULES},
        judged_on=today,
        silent=findings.silent,
        configurations=tuple(each.configuration for each in judged),
        subjects=tuple(subject for each in judged for subject in each.subjects),
        decisions=registry.uses(rows),
        advice=tuple(findings.advice),
        registry=registry.text,
        explained=explained,
    )


def _judge_ourselves(world: World) -> Findings:
    found = native.validate(world)
    found.extend(judge(world, our_rules()))
    return found


def _packs() -> tuple[str, ...]:
    """Every pack whose findings an acknowledgement can silence."""
    return (*nag.PACKS, native.PACK, *sorted({rule.info.pack for rule in our_rules()}))


def _read_packs(directory: Path, world: World, locate: Callable[[str], Resource | None], *, recorded: bool) -> Findings:
    try:
        return nag.read(directory, world, locate, recorded=recorded)
    except nag.NagError as error:
        raise GateError(str(error)) from error


def world_of(assembly: Assembly, configuration: Configuration) -> World:
    """What rules may look at, of an assembly that was made for a configuration."""
    return World(
        templates=assembly.templates,
        environment=configuration.environment,
        taggable=native.taggable_types(assembly.templates),
        configuration=configuration.name,
    )


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
        if (template.name, template.region) == (row.stack, row.region)
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
