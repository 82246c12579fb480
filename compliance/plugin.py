"""The only bridge to the CDK: registers every pack and rule on an app, so that no synthesis goes unjudged."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

_RECORDER: Final = Path(__file__).parent / "record_verdicts.cjs"
_NODE_OPTIONS: Final = os.environ.get("NODE_OPTIONS")

RECORDS: Final = "jsii" not in sys.modules
"""Whether the packs' every answer is recorded in this process: whether jsii's Node.js is ours to start."""

if RECORDS:
    os.environ["NODE_OPTIONS"] = f'{_NODE_OPTIONS or ""} --require="{_RECORDER}"'.strip()
    # The gate validates natively; the CDK's own engine takes 4.7 s to start and says the same.
    os.environ.setdefault("CDK_VALIDATION", "false")

import jsii  # noqa: E402
from aws_cdk import (  # noqa: E402
    Acknowledgment,
    App,
    CfnResource,
    DefaultStackSynthesizer,
    Environment,
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Stack,
    Token,
    Validations,
)
from aws_cdk.cloudformation_include import CfnInclude  # noqa: E402
from cdk_nag import (  # noqa: E402
    AwsSolutionsChecks,
    HIPAASecurityChecks,
    NIST80053R4Checks,
    NIST80053R5Checks,
    PCIDSS321Checks,
    ServerlessChecks,
)
from constructs import IConstruct  # noqa: E402

if RECORDS:
    # Node.js has started: what it was given is not for the processes that others start.
    if _NODE_OPTIONS is None:
        del os.environ["NODE_OPTIONS"]
    else:
        os.environ["NODE_OPTIONS"] = _NODE_OPTIONS

from compliance import acknowledgements, native  # noqa: E402
from compliance.acknowledgements import DEFAULT_FILE, Registry, read_registry  # noqa: E402
from compliance.judge import Findings, judge  # noqa: E402
from compliance.ledger import Finding, RuleInfo, Verdict  # noqa: E402
from compliance.loading import LoadError, load_assembly  # noqa: E402
from compliance.nag import REPORT  # noqa: E402
from compliance.rules import our_rules  # noqa: E402
from compliance.templates import Json, Template, World  # noqa: E402
from compliance.tracing import traced  # noqa: E402

_PACKS: Final = (
    AwsSolutionsChecks,
    NIST80053R4Checks,
    NIST80053R5Checks,
    HIPAASecurityChecks,
    PCIDSS321Checks,
    ServerlessChecks,
)
_ENDLESS: Final = "Maximum call stack size exceeded"
"""What Node.js says of conditions that go round in a circle."""
_ROOT: Final = "Template"
_FAILED: Final = "ValidationFailed"
_DO_NOT_RAISE: Final = "@aws-cdk/core:failSynthOnValidationErrors"


def attach(app: App, *, environment: str | None = None, registry: Registry | None = None) -> None:
    """Gate an app: from here on its synthesis, by whichever command, fails on any finding that is not acknowledged.

    Registers the six cdk-nag packs, AWS's CloudFormation validation and our own rules, and acknowledges what the
    registry's decisions cover, each at its own construct. Call it once, on the App, after its stacks are built.

    Args:
        app: With its stacks.
        environment: Whose names and tags to expect; by default the CDK context's `environment`, else `prod`.
        registry: The decisions; by default those of `compliance/acknowledgements.toml`.

    Raises:
        RegistryError: The registry cannot be read.
    """
    environment = environment or app.node.try_get_context("environment") or "prod"
    registry = registry or read_registry(DEFAULT_FILE, today())
    _add_packs(app)
    Validations.of(app).add_plugins(
        _Plugin("CloudFormation", environment, native.validate),
        _Plugin("Lockstep", environment, lambda world: judge(world, our_rules())),
        _Plugin(acknowledgements.PACK, environment, lambda _world: _defects(registry)),
    )
    _acknowledge(app, registry, environment)


class OpenFindingsError(Exception):
    """A gated app was synthesized, and may not be deployed. The message lists what is open."""


def synthesize(app: App) -> None:
    """Synthesize an app that `attach` gated, and fail on what is open though the CDK's own context says not to.

    `cdk deploy -c @aws-cdk/core:failSynthOnValidationErrors=false` keeps the CDK from failing, and so from stopping a
    deployment. So the report that it wrote is asked.

    Raises:
        OpenFindingsError: A plugin found something that no decision covers, or there is no report of any.
        RuntimeError: The same, where the CDK itself fails on it and has told what.
    """
    report = Path(app.synth().directory) / REPORT
    if not report.is_file():
        raise OpenFindingsError(f"{report} was not written: nothing was judged, so nothing may be deployed")
    failed = [
        plugin for plugin in json.loads(report.read_text("utf-8"))["pluginReports"] if plugin["conclusion"] != "success"
    ]
    if failed:
        lines = "".join(f"\n  {line}" for plugin in failed for line in _open_lines(plugin))
        raise OpenFindingsError(f"the gate found what may not be deployed, all of it in {report}:{lines}")


def synthesize_with_packs(build: Callable[[], App], meanwhile: Callable[[], object]) -> None:
    """Build an app and synthesize it with the packs, leaving the verdict to whoever reads what they write.

    What else `attach` registers is left out: the gate asks our rules and AWS's validation itself, and the registry
    decides afterwards. So every finding is in what is written, whatever is acknowledged.

    Args:
        build: Returns the app, without packs. Each construct notes the Python that makes it.
        meanwhile: Done while Node.js synthesizes and Python would wait.

    Raises:
        Exception: Whatever the app raises while it is built, or the CDK for any reason but open findings.
    """
    with traced():
        app = build()
        _add_packs(app)
        with ThreadPoolExecutor(1) as beside:
            done = beside.submit(meanwhile)
            _synthesize(app)
            done.result()


def judge_included(templates: Sequence[Template], directory: Path) -> None:
    """Let the packs judge plain templates: include each in a stack of its own and synthesize them into a folder.

    The resource with a logical id is at the construct path `included_path(index, logical id)`.

    Raises:
        LoadError: The CDK cannot load one of the templates.
    """
    app = App(outdir=str(directory / "out"), context={_DO_NOT_RAISE: False})
    for index, template in enumerate(templates):
        _include(app, index, template, directory)
    _add_packs(app)
    try:
        _synthesize(app)
    except RuntimeError as error:
        names = ", ".join(template.file or template.name for template in templates)
        raise LoadError(f"{names}: the CDK cannot synthesize it: {error}{_reasons(templates)}") from error


def included_path(index: int, logical_id: str) -> str:
    """Where `judge_included` puts a resource of its template number `index`."""
    return f"{_stack_id(index)}/{_ROOT}/{logical_id}"


def today() -> date:
    """The day on which expiry is judged, the same the world over."""
    return datetime.now(UTC).date()


@jsii.implements(IPolicyValidationPlugin)
class _Plugin:
    """Rules of ours as the CDK asks for them: a plugin that reads the templates that were just written."""

    def __init__(self, name: str, environment: str, evaluate: Callable[[World], Findings]) -> None:
        self._name = name
        self._environment = environment
        self._evaluate = evaluate

    @property
    def name(self) -> str:
        """What the CDK's report calls it."""
        return self._name

    @property
    def version(self) -> None:
        """It has the project's."""
        return

    @property
    def rule_ids(self) -> None:
        """They are in the report."""
        return

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Judge the templates of the assembly under synthesis."""
        templates = load_assembly(Path(context.template_paths[0]).parent).templates
        world = World(templates=templates, environment=self._environment, taggable=native.taggable_types(templates))
        findings = self._evaluate(world)
        failing = [row for row in findings.rows if row.verdict in {Verdict.FAIL, Verdict.NOT_EVALUATED}]
        return PolicyValidationPluginReport(
            success=not failing, violations=[_violation(findings.rules[row.rule], row) for row in failing]
        )


def _violation(rule: RuleInfo, row: Finding) -> PolicyViolation:
    return PolicyViolation(
        rule_name=rule.id,
        description=f"{rule.title}. {row.message}",
        fix=rule.fix,
        severity=rule.severity.value,
        violating_resources=[PolicyViolatingResource(construct_path=row.path, locations=["Properties"])],
    )


def _open_lines(plugin: Mapping[str, Json]) -> list[str]:
    """A line for each rule that one plugin found broken, or one for the plugin that found nothing because it failed."""
    name = plugin["pluginName"]
    error = (plugin.get("metadata") or {}).get("error")
    lines = []
    for violation in plugin["violations"]:
        paths = ", ".join(construct.get("constructPath", "") for construct in violation["violatingConstructs"])
        lines.append(f"{name}: {violation['ruleName']} at {paths}")
    return [*lines, *([f"{name}: {error}"] if error else [])] or [f"{name}: failed"]


def _synthesize(app: App) -> None:
    try:
        app.synth()
    except RuntimeError as error:
        if _FAILED not in str(error):
            raise


def _defects(registry: Registry) -> Findings:
    findings = Findings()
    findings.rows += registry.defects
    findings.rules |= acknowledgements.RULES
    return findings


def _add_packs(app: App) -> None:
    Validations.of(app).add_plugins(*(pack(app, verbose=True) for pack in _PACKS))


def _acknowledge(app: App, registry: Registry, environment: str) -> None:
    """Hand each decision to the CDK at exactly the resource it covers. A path of something larger is left alone."""
    stacks = [child for child in app.node.children if isinstance(child, Stack)]
    facts = {
        "environment": (environment,),
        "region": tuple({stack.region for stack in stacks if not Token.is_unresolved(stack.region)}),
    }
    by_path: dict[str, list[Acknowledgment]] = {}
    for (rule, path), decision in registry.covering(facts).items():
        acknowledgment = Acknowledgment(id=rule, reason=f"{decision.id}: {decision.reason}")
        by_path.setdefault(path, []).append(acknowledgment)
    for path, acknowledgments in by_path.items():
        construct = _find(app, path)
        if construct is not None and CfnResource.is_cfn_resource(construct):
            Validations.of(construct).acknowledge(*acknowledgments)


def _find(app: App, path: str) -> IConstruct | None:
    found: IConstruct | None = app
    for part in path.split("/"):
        if found is None:
            return None
        found = found.node.try_find_child(part)
    return found


def _include(app: App, index: int, template: Template, directory: Path) -> None:
    file = directory / f"{_stack_id(index)}.json"
    file.write_text(json.dumps(_loadable(template.body)), "utf-8")
    stack = Stack(
        app,
        _stack_id(index),
        env=Environment(region=template.region) if template.region else None,
        # Its own bootstrap parameter would collide with the one that a synthesized template already has.
        synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
    )
    try:
        CfnInclude(stack, _ROOT, template_file=str(file))
    except Exception as error:
        name = template.file or template.name
        hint = "; does a condition stand on itself?" if _ENDLESS in str(error) else ""
        raise LoadError(f"{name}: the CDK cannot load it: {error}{hint}{_reasons([template])}") from error


def _loadable(value: Json) -> Json:
    """The template with Fn::GetStackOutput, which CfnInclude does not know, as the import that it stands for.

    Both say: a value of another stack, unknown here. The packs can tell no more from one than from the other.
    """
    if isinstance(value, Mapping):
        if set(value) == {"Fn::GetStackOutput"}:
            return {"Fn::ImportValue": json.dumps(value["Fn::GetStackOutput"])}
        return {key: _loadable(child) for key, child in value.items()}
    return [_loadable(child) for child in value] if isinstance(value, list) else value


def _stack_id(index: int) -> str:
    return f"T{index}"


def _reasons(templates: Sequence[Template]) -> str:
    """What AWS would refuse the templates for: most often it says better than the CDK what is wrong."""
    messages = [f"{template.name} {message}" for template in templates for message in native.fatal_messages(template)]
    return "".join(("\nAWS's validation says:", *(f"\n  {message}" for message in messages[:10]))) if messages else ""
