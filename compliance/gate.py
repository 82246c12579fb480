"""Judge an app in every configuration, an assembly or templates, and return the ledger of findings."""

import hashlib
import importlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from compliance.cfn.conditions import deployed
from compliance.cfn.loading import Assembly, LoadError, load_assembly
from compliance.cfn.references import partition
from compliance.cfn.templates import Json, Template, TemplateSet
from compliance.controls.bridge import mapped
from compliance.engine import acknowledgements, coverage
from compliance.engine.acknowledgements import DEFAULT_FILE, Facts, Registry, read_registry
from compliance.engine.branch_verdicts import variants, worst
from compliance.engine.findings import EncryptedWith, Finding, Findings, Subject, Verdict
from compliance.engine.judge import FindingsBuilder, judge
from compliance.engine.matrix import Configuration
from compliance.engine.rule import Rule, ViolationsJudge
from compliance.engine.user_rules import user_rules
from compliance.packs import manifest, nag, native
from compliance.packs.readable import readable
from compliance.reports.observed import encrypted_with, with_observations
from compliance.rules import every_rule
from reporting.worker_processes import end_with_parent, interrupts_held

_VPC_DEFAULT_GROUP: Final = "-VPCDefaultSecurityGroupClosed"
_CLOSES_DEFAULT_GROUP: Final = "Custom::VpcRestrictDefaultSG"

Say = Callable[[str], None]
"""Callback that receives each step of the gate as text."""


class GateError(Exception):
    """Raised when the gate cannot judge. The message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """Findings of one configuration, before decisions are applied.

    Attributes:
        configuration: Its name.
        facts: Facts of the configuration that decisions may require.
        found: The rows of every rule.
        subjects: Its templates.
        acknowledged: Each (construct path, acknowledged id) that the constructs carry.
        encrypted: Which key encrypts what.
    """

    configuration: str
    facts: Facts
    found: FindingsBuilder
    subjects: tuple[Subject, ...]
    acknowledged: tuple[tuple[str, str], ...]
    encrypted: tuple[EncryptedWith, ...]


def judge_app(  # noqa: PLR0913 - what is judged, by which decisions, and when
    app: str,
    configurations: Sequence[Configuration],
    registry: Registry,
    today: date,
    say: Say,
    *,
    environments: Sequence[Configuration] = (),
    matrix: Sequence[Configuration] = (),
) -> Findings:
    """Synthesize an app in each configuration, and judge the assemblies as `judge_assembly` does.

    Several configurations are judged in parallel, each in its own process.

    Args:
        app: `<module>:<function>`; the function takes `environment` and `outdir`, for a configuration of the matrix also
            `settings` and `defaults` (see `infra.app.build_app`), and returns an App.
        configurations: The configurations to judge.
        registry: The decisions.
        today: The day for which expiry is checked.
        say: Receives each step as text.
        environments: Every environment of environments.toml. If all are judged, a decision is stale where its resource
            exists without the finding.
        matrix: Every configuration of the matrix. If all are judged, a decision is stale where no configuration needs it.

    Raises:
        GateError: The app cannot be imported, built or synthesized.
        LoadError: Its assembly cannot be judged.
    """
    judged = _judge_all(app, configurations, say)
    names = {configuration.name for configuration in configurations}
    return _ledger(
        judged,
        registry,
        today,
        plain=bool(environments) and names >= {each.name for each in environments},
        whole=bool(matrix) and names >= {each.name for each in matrix},
    )


def judge_templates(
    templates: Sequence[Template], environment: str, today: date, say: Say, rules: Sequence[Rule] = ()
) -> Findings:
    """Judge templates from files, by everything or by some of our rules alone. No decision of ours covers them.

    Raises:
        LoadError: The CDK cannot load one of them.
        GateError: The packs did not run.
    """
    assembly = Assembly(templates=tuple(templates))
    if rules:
        return judge_by_rules(assembly, Configuration.of(environment), rules, Registry(), today)
    ledger = _ledger([_judge_assembly(assembly, Configuration.of(environment), say)], Registry(), today)
    given = {template.name: template.file for template in templates}
    return replace(ledger, subjects=tuple(replace(each, file=given.get(each.name, "")) for each in ledger.subjects))


def judge_assembly(  # noqa: PLR0913, PLR0917 - what is judged, by which decisions, and when
    directory: Path, environment: str, registry: Registry, today: date, say: Say, rules: Sequence[Rule] = ()
) -> Findings:
    """Judge a cloud assembly on disk, by everything or by some of our rules alone.

    Construct paths come from its metadata, so decisions apply as they do to the app.

    Raises:
        LoadError: It is not an assembly, or the CDK cannot load one of its templates.
        GateError: The packs did not run.
    """
    assembly, configuration = load_assembly(directory), Configuration.of(environment)
    if rules:
        return judge_by_rules(assembly, configuration, rules, registry, today)
    return _ledger([_judge_assembly(assembly, configuration, say)], registry, today)


def judge_live(  # noqa: PLR0913, PLR0917 - what is judged, by which decisions, and when
    assembly: Assembly, configuration: Configuration, drift: FindingsBuilder, registry: Registry, today: date, say: Say
) -> Findings:
    """Judge the templates of what is deployed, and add the rows of its drift.

    Raises:
        LoadError: The CDK cannot load one of them.
        GateError: The packs did not run.
    """
    judged = _judge_assembly(assembly, configuration, say)
    judged.found.extend(drift)
    return _ledger([judged], registry, today)


def judge_by_rules(
    assembly: Assembly, configuration: Configuration, rules: Sequence[Rule], registry: Registry, today: date
) -> Findings:
    """Judge templates by some of our rules and nothing else. This is no verdict on a deployment: other rules did not run."""
    # Only rules about tags ask for the taggable types, and AWS's validation takes most of a second to load.
    world = world_of(assembly, configuration, asks_for_tags=any(rule.id.startswith("Tagging-") for rule in rules))
    found = judge(world, rules)
    found.rows = acknowledgements.apply(registry, found.rows, facts_of(world))
    return Findings(
        findings=tuple(found.rows),
        rules=mapped({**found.rules, **acknowledgements.RULES}),
        judged_on=today,
        silent=found.silent,
        configurations=(world.name,),
    )


class OpenFindingsError(Exception):
    """Raised when an assembly has open findings. The message lists each rule and its place."""


def admit(directory: Path, environment: str, registry: Registry | None = None) -> None:
    """Judge a cloud assembly that is about to be deployed, exactly as `--assembly` does.

    Args:
        directory: The cloud assembly.
        environment: The environment that names and tags must carry.
        registry: The decisions; by default those of `compliance/acknowledgements.toml`.

    Raises:
        OpenFindingsError: A finding is open, or nothing could be evaluated.
        GateError: The gate could not do its work.
        LoadError: The assembly cannot be judged.
        RegistryError: The decisions cannot be read.
    """
    today = datetime.now(UTC).date()
    registry = registry or read_registry(DEFAULT_FILE, today)
    ledger = judge_assembly(directory, environment, registry, today, lambda _text: None)
    if ledger.passed:
        return
    lines = sorted({f"{row.rule} at {row.path}{_by(row)}: {row.message}" for row in ledger.failures})
    raise OpenFindingsError(
        "\n  ".join((f"{directory}: may not be deployed; the gate found:", *(lines or ["nothing that it could evaluate"])))
    )


def _by(row: Finding) -> str:
    return f" ({row.source})" if row.source else ""


def _judge_all(app: str, configurations: Sequence[Configuration], say: Say) -> list[_Judged]:
    workers = min(len(configurations), os.cpu_count() or 1)
    if workers <= 1:
        return [_judge_configuration(app, configuration, say) for configuration in configurations]
    # Spawned, not forked: each process needs its own Node.js.
    with ExitStack() as stack:
        try:
            with interrupts_held():
                spawn = multiprocessing.get_context("spawn")
                pool = ProcessPoolExecutor(workers, spawn, end_with_parent)
                stack.callback(pool.shutdown, cancel_futures=True)
                pending = {pool.submit(_judge_configuration, app, each): each for each in configurations}
            say(f"judging {', '.join(each.name for each in configurations)}")
            for number, future in enumerate(as_completed(pending), start=1):
                future.result()
                say(f"{number} of {len(pending)} judged, last {pending[future].name}")
        except BrokenProcessPool as error:
            raise GateError(
                "a process of the gate was killed; judge fewer configurations at once to use less memory"
            ) from error
        except KeyboardInterrupt:
            # The pool's own shutdown would wait for the running work.
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        return [future.result() for future in pending]


def _judge_configuration(app: str, configuration: Configuration, say: Say = lambda _text: None) -> _Judged:
    say("starting the CDK")
    native.start()
    from compliance import plugin  # noqa: PLC0415 - it needs Node.js, which a mere --help must not start
    from compliance.packs.tracing import traced  # noqa: PLC0415 - so does it

    factory = _import_factory(app)
    settings = {"settings": configuration.settings, "defaults": True} if configuration.matrix else {}
    with TemporaryDirectory(prefix="compliance-") as directory:
        say(f"{configuration.name}: synthesizing")
        try:
            with traced():
                built = factory(environment=configuration.environment, outdir=directory, **settings)
                plugin.synthesize(built, get_ready)
        except Exception as error:
            raise GateError(f"{app} cannot be synthesized for configuration {configuration.name!r}: {error}") from error
        return _judge_assembly(load_assembly(Path(directory)), configuration, say)


def get_ready() -> None:
    """Load the rules and AWS's schemas (0.3 s, once in a process)."""
    native.warm_up()
    every_rule()


def _judge_assembly(assembly: Assembly, configuration: Configuration, say: Say) -> _Judged:
    """Judge an assembly: the one way for an app, an assembly, templates and a deployment."""
    world = world_of(assembly, configuration)
    say(f"{configuration.name}: judging {len(world.templates)} templates")
    with ThreadPoolExecutor(1) as beside:
        ours = beside.submit(_judge_ourselves, world)  # Node.js has the packs, so Python would wait
        packs = packs_on(world, world.templates)
        found = ours.result()
    found.extend(packs)
    found.extend(_judge_manifest(assembly, world))
    found.rows = with_observations(found.rows, every_rule(), world)
    return _Judged(
        configuration=world.name,
        facts=facts_of(world),
        found=found,
        subjects=tuple(_subject(world.name, template) for template in world.templates),
        acknowledged=assembly.acknowledged,
        encrypted=encrypted_with(world),
    )


def facts_of(world: TemplateSet) -> Facts:
    """Return the facts of templates that decisions may require."""
    regions = tuple(dict.fromkeys(template.region for template in world.templates if template.region))
    return {
        "environment": (world.environment,),
        "prefix": (world.prefix,),
        "protected": (str(world.is_protected).lower(),),
        "partition": tuple(dict.fromkeys(map(partition, regions))),
        "configuration": (world.name,),
        "region": regions,
    }


def _judge_manifest(assembly: Assembly, world: TemplateSet) -> FindingsBuilder:
    native.start()
    from compliance import plugin  # noqa: PLC0415 - it needs Node.js, which a mere --help must not start

    try:
        return manifest.judge_manifest(assembly, world, plugin.fingerprint)
    except (AttributeError, TypeError, ValueError, OSError) as error:
        raise LoadError(
            f"the assembly's manifest or asset list is malformed ({type(error).__name__}: {error}); give the folder that "
            "`cdk synth` wrote"
        ) from error


def packs_on(world: TemplateSet, templates: Iterable[Template]) -> FindingsBuilder:
    """Return the packs' findings on templates, for every branch of their conditions.

    Raises:
        LoadError: The CDK cannot load one of them.
        GateError: The packs did not run.
    """
    native.start()
    from compliance import plugin  # noqa: PLC0415 - it needs Node.js, which a mere --help must not start

    standing = tuple(map(deployed, templates))
    shown = variants(standing)
    by_path = {
        plugin.included_path(index, resource.logical_id): resource
        for index, (_, template) in enumerate(shown)
        for resource in template.resources
    }
    with TemporaryDirectory(prefix="compliance-") as directory:
        try:
            plugin.judge_included([replace(variant, body=readable(variant.body)) for variant, _ in shown], Path(directory))
            packs = nag.read(Path(directory) / "out", replace(world, templates=standing), by_path.get)
        except (plugin.UnrecordedError, nag.NagError) as error:
            raise GateError(str(error)) from error
    packs.rows = [_answered_by_the_template(row, world) for row in packs.rows]
    return worst(packs)


def _ledger(
    judged: Sequence[_Judged], registry: Registry, today: date, *, plain: bool = False, whole: bool = False
) -> Findings:
    """Apply the decisions to the findings, and add the findings that need all configurations.

    Args:
        judged: Every configuration of the run.
        registry: The decisions.
        today: The day for which expiry is checked.
        plain: Whether every environment of environments.toml is among them.
        whole: Whether every configuration of the matrix is among them.
    """
    findings = FindingsBuilder()
    for each in judged:
        each.found.rows = acknowledgements.apply(registry, each.found.rows, each.facts)
        each.found.rows += acknowledgements.unregistered(registry, each.acknowledged, each.facts, _packs())
        findings.extend(each.found)
    findings.extend(coverage.judge(findings))
    if plain or whole:
        matrix = {each.configuration: each.facts for each in judged}
        findings.rows += acknowledgements.stale(registry, findings.rows, matrix, whole=whole)
    rows = [*findings.rows, *registry.defects]
    return Findings(
        findings=tuple(rows),
        rules=mapped({**findings.rules, **acknowledgements.RULES, **coverage.RULES}),
        judged_on=today,
        silent=findings.silent,
        configurations=tuple(each.configuration for each in judged),
        subjects=tuple(subject for each in judged for subject in each.subjects),
        decisions=registry.uses(rows),
        advice=tuple(findings.advice),
        registry=registry.text,
        encrypted=tuple(use for each in judged for use in each.encrypted),
    )


def _judge_ourselves(world: TemplateSet) -> FindingsBuilder:
    for rule in every_rule():
        if isinstance(rule.judge, ViolationsJudge):
            rule.judge.read.clear()  # what was read of another configuration's templates
    found = native.validate(world)
    found.extend(judge(world, every_rule()))
    return found


def _packs() -> tuple[str, ...]:
    """Every pack whose findings an acknowledgement can silence."""
    mine = user_rules()
    packs = {rule.info.pack for rule in every_rule()} | ({mine.pack} if mine else set())
    return (*nag.PACKS, native.PACK, manifest.PACK, *sorted(packs))


def world_of(assembly: Assembly, configuration: Configuration, *, asks_for_tags: bool = True) -> TemplateSet:
    """Return the templates of an assembly as rules see them; rules that ask for no tags need no taggable types."""
    return TemplateSet(
        templates=assembly.templates,
        environment=configuration.environment,
        taggable=native.taggable_types(assembly.templates) if asks_for_tags else frozenset(),
        configuration=configuration.name,
    )


def _answered_by_the_template(row: Finding, world: TemplateSet) -> Finding:
    """Return a pass for a VPC whose template closes its default security group; else the row unchanged.

    cdk-nag looks for a construct of a certain name beside the VPC. An included template has no construct tree, but it
    does have the custom resource that closes the group.
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
        account=template.account,
    )


def _import_factory(app: str) -> Callable[..., Any]:
    module, _, name = app.partition(":")
    if not module or not name:
        raise GateError(f"--app {app!r} is not <module>:<function>; write it like infra.app:build_app")
    try:
        factory: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise GateError(f"--app {app!r} cannot be imported from {Path.cwd()}: {error}") from error
    return factory
