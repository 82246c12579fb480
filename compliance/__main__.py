"""Command line of the gate: `python -m compliance`."""

import atexit
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from functools import partial
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from compliance import gate
from compliance.cfn.loading import ACCOUNT, Assembly, LoadError, load_assembly, load_templates
from compliance.controls import Framework
from compliance.engine import acknowledgements
from compliance.engine.acknowledgements import Registry, RegistryError, read_registry
from compliance.engine.baseline import BaselineError, Changes, compare, read_baseline
from compliance.engine.findings import Finding, Findings, Severity, Threshold
from compliance.engine.matrix import Configuration, MatrixError, chosen, read_environments, read_matrix
from compliance.engine.rule import Rule
from compliance.engine.user_rules import RuleError
from compliance.reports import FORMATS, get_ready, provenance, write_reports
from compliance.reports.console import show
from compliance.reports.crosswalk import render as render_crosswalk
from compliance.reports.selection import SelectionError, select
from reporting.bundle import EVIDENCE, fingerprint
from reporting.bundle import verify as verify_bundle
from reporting.text import counted as counted_of
from reporting.text import printable

if TYPE_CHECKING:
    from compliance import fixing

_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_EXPECTED: Final = (gate.GateError, LoadError, RegistryError, MatrixError, BaselineError, SelectionError, RuleError)
"""Errors in the input of the gate; each message says what to change."""

SECONDS_A_TEMPLATE: Final = 120
"""Longest time for a template of --template, a hundred times what the slowest public one takes."""
_SECONDS_TO_CLEAN_UP: Final = 15.0
"""For jsii to end Node.js, for which it waits 5 s."""
_INTERRUPTED: Final = "Interrupted: there is no verdict, and nothing is left running. Type the same command again."
_OF_A_QUICK_RUN: Final = frozenset(
    {"rule", "explain", "watch", "fix", "write"}
    | {"template", "assembly", "environment", "region", "account", "registry", "output"}
)
"""Parameters that apply to --rule, --explain, --watch and --fix."""
_NOT_WRITTEN: Final = (
    "--write applies to --template only: an assembly that is changed after its synthesis is not deployed; leave it out, and "
    "change the lines of Python that --fix names"
)
_OF_AN_ASSEMBLY: Final = (
    "Do not apply this patch to the assembly: the next synthesis overwrites it, and an assembly that is changed after its "
    "synthesis is not deployed. Change the lines of Python that are named below."
)
_LAST_DRILL: Final = Path("reports/drill/latest")

_OF_INPUT, _OF_VERDICT, _OF_OUTPUT = (partial(typer.Option, rich_help_panel=name) for name in ("Input", "Verdict", "Output"))

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


class Exit(IntEnum):
    """Exit status of the command."""

    PASSED = 0
    FINDINGS = 1
    ERROR = 2
    INTERRUPTED = 130


class _Given(NamedTuple):
    """The options that name what is judged."""

    configurations: Sequence[Configuration]
    templates: list[str]
    assembly: Path | None
    region: str
    account: str
    registry: Path


class FailOn(StrEnum):
    """Lowest severity that fails the gate."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"
    NEW = "new"


class Crosswalk(StrEnum):
    """Tool whose checks the gate's rules are compared with."""

    PROWLER = "prowler"


@app.callback(invoke_without_command=True)
def main(  # noqa: PLR0913, PLR0917 - each is an option of the command
    context: typer.Context,
    environment: Annotated[
        list[str] | None,
        _OF_INPUT(
            help="Judge this environment, the last part of every name. Repeatable.",
            show_default="every environment of environments.toml; for templates prod, or the first of the file",
        ),
    ] = None,
    matrix: Annotated[  # noqa: FBT002 - an option of the command, named where it is given
        bool, _OF_INPUT("--matrix", help="Judge the app in every configuration of matrix.toml.")
    ] = False,
    configuration: Annotated[
        list[str] | None, _OF_INPUT(help="Judge the app in this configuration of matrix.toml. Repeatable.")
    ] = None,
    template: Annotated[
        list[str] | None,
        _OF_INPUT(
            metavar="FILE[@REGION]", help="Judge this CloudFormation template, JSON or YAML, instead of the app. Repeatable."
        ),
    ] = None,
    assembly: Annotated[
        Path | None, _OF_INPUT(metavar="DIR", help="Judge this cloud assembly (cdk.out) instead of the app.")
    ] = None,
    region: Annotated[str, _OF_INPUT(help="Region of each --template without @REGION.")] = "",
    account: Annotated[
        str,
        _OF_INPUT(
            help="Account of every --template. Without it, every account id in a template counts as a foreign account."
        ),
    ] = "",
    app_factory: Annotated[
        str, _OF_INPUT("--app", metavar="MODULE:FUNCTION", help="Function that builds the app for an environment.")
    ] = "infra.app:build_app",
    pack: Annotated[
        list[str] | None, _OF_VERDICT(metavar="PACK", help="Report the rules of this pack only. Repeatable.")
    ] = None,
    framework: Annotated[
        list[Framework] | None, _OF_VERDICT(help="Report the rules that serve this framework only. Repeatable.")
    ] = None,
    rule: Annotated[
        list[str] | None,
        _OF_VERDICT(
            metavar="ID", help="Judge --template or --assembly by this rule of ours alone, and write no report. Repeatable."
        ),
    ] = None,
    explain: Annotated[
        list[str] | None, _OF_OUTPUT(metavar="ID", help="Explain this rule of ours, and judge nothing. Repeatable.")
    ] = None,
    watch: Annotated[  # noqa: FBT002 - an option of the command, named where it is given
        bool,
        _OF_OUTPUT(
            "--watch", help="Judge --template or --assembly, again after each change, until Ctrl-C; write no report."
        ),
    ] = False,
    fix: Annotated[  # noqa: FBT002 - an option of the command, named where it is given
        bool,
        _OF_OUTPUT(
            "--fix",
            help="Print a patch that repairs --template or --assembly, with --rule for these rules alone; change no file.",
        ),
    ] = False,
    write: Annotated[  # noqa: FBT002 - an option of the command, named where it is given
        bool, _OF_OUTPUT("--write", help="Write the repairs of --fix into each --template.")
    ] = False,
    fail_on: Annotated[
        FailOn,
        _OF_VERDICT(
            help="Lowest severity that fails: error, warning, advice (from AWS), or new (findings that the --baseline does "
            "not have). A rule that cannot be evaluated counts as failed."
        ),
    ] = FailOn.WARNING,
    baseline: Annotated[
        Path | None,
        _OF_VERDICT(metavar="REPORT.JSON", help="Report what is new, fixed and newly acknowledged since this report.json."),
    ] = None,
    registry: Annotated[
        Path,
        _OF_VERDICT(
            "--acknowledgements",
            help="File of the decisions that accept findings.",
            show_default="compliance/acknowledgements.toml",
        ),
    ] = acknowledgements.DEFAULT_FILE,
    format_: Annotated[
        list[str] | None,
        _OF_OUTPUT("--format", metavar="FORMAT", help=f"Write this report only: {', '.join(FORMATS)}. Repeatable."),
    ] = None,
    output: Annotated[Path, _OF_OUTPUT(help="Folder for the reports.")] = Path("reports/compliance"),
    crosswalk: Annotated[
        Crosswalk | None,
        _OF_OUTPUT(
            help="Print which of this tool's checks a rule decides for the types of the run, in place of the summary."
        ),
    ] = None,
    drill: Annotated[
        Path,
        _OF_OUTPUT(
            metavar="FOLDER",
            help="Folder of the failover drill whose evidence goes into the bundle; left out if it does not exist.",
        ),
    ] = _LAST_DRILL,
) -> None:
    """Judge infrastructure before it is deployed, and write the evidence.

    Six cdk-nag packs, AWS's CloudFormation validation and our own rules check every resource of every template.
    Fix a finding in the infrastructure, or accept it with a decision in acknowledgements.toml that has a reason,
    an owner and a date. A rule that cannot be evaluated fails the gate, and so does a type that no rule checks.

    python -m compliance                                      our app, in each environment of environments.toml

    python -m compliance --environment dev                    one environment

    python -m compliance --matrix                             every configuration of matrix.toml

    python -m compliance --assembly cdk.out                   what `cdk synth` wrote

    python -m compliance --template queue.yaml@us-east-1      any template

    python -m compliance --baseline report.json --fail-on new    only findings that the report does not have

    python -m compliance --crosswalk prowler                  which checks of prowler a rule decides

    python -m compliance --explain ActivePassive-SQSDelivery  why a rule exists, and how to satisfy it

    python -m compliance --assembly cdk.out --rule ActivePassive-SQSDelivery --watch    one rule, after each change

    python -m compliance --template queue.yaml@us-east-1 --fix    a patch for what can be repaired

    python -m compliance verify evidence.zip                  whether a file of the evidence was changed

    python -m compliance diff OLD.zip NEW.zip                 what differs between the evidence of two runs

    python -m compliance sign evidence.zip --key FILE         sign the evidence, for `verify --key`

    python -m compliance upload evidence.zip --bucket NAME    keep the evidence under Object Lock

    Exit status: 0 passed; 1 findings; 2 wrong use, an unreadable template or an error of the gate; 130 interrupted.
    """
    if context.invoked_subcommand:
        return
    errors = Console(stderr=True, emoji=False)
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.default_int_handler)
    _leave_the_verdict_to_the_gate()
    started = datetime.now(UTC)
    if rule or explain or watch or fix or write:
        with ending(errors, output, _INTERRUPTED):
            _refuse_options_of_a_whole_run(context)
            if explain:
                raise typer.Exit(_explain(explain))
            configurations = _configurations(environment or [], [], matrix=False, app_only=False)
            given = _Given(configurations, template or [], assembly, region, account, registry)
            if fix:
                if write and assembly:
                    raise gate.GateError(_NOT_WRITTEN)
                with errors.status("compliance") as progress:
                    fixes = _fixes(given, rule or [], progress.update)
                raise typer.Exit(_show_fixes(fixes, errors, _OF_AN_ASSEMBLY if assembly else "", write=write))
            judge = partial(_judge, given, "", say=_be_silent)
            files = [_file_and_region(text)[0] for text in given.templates]
            raise typer.Exit(_quick(judge, rule or [], files, assembly, errors if watch else None))
    with ending(errors, output, _INTERRUPTED):
        _check(format_ or [], fail_on, baseline, output)
        before = read_baseline(baseline) if baseline else None
        drilled = _drill(drill)
        with errors.status("compliance") as progress, ThreadPoolExecutor(1) as beside:
            # The gate waits for Node.js most of the time.
            beside.submit(get_ready, format_ or FORMATS, datetime.now(UTC).date())
            revision = beside.submit(provenance.revision)
            app_only = not (template or assembly)
            configurations = _configurations(environment or [], configuration or [], matrix=matrix, app_only=app_only)
            given = _Given(configurations, template or [], assembly, region, account, registry)
            whole = _judge(given, app_factory, say=progress.update)
            ledger = select(whole, pack or [], framework or [])
            changes = None if before is None else compare(ledger, before)
            progress.update("writing reports")
            ledger = replace(
                ledger,
                threshold=threshold(ledger, fail_on, changes),
                revision=revision.result(),
                run=provenance.run(started, datetime.now(UTC)),
            )
            files = write_reports(ledger, output, format_, changes, outcome(ledger, fail_on, changes), drilled)
    console = Console(soft_wrap=True, emoji=False)
    if crosswalk:
        console.print(Text(render_crosswalk(ledger)), end="")
    else:
        show(ledger, files, console, outcome(ledger, fail_on, changes))
    raise typer.Exit(status(ledger, fail_on, changes))


@contextmanager
def ending(errors: Console, output: Path, interrupted: str) -> Iterator[None]:
    """End a command that has no verdict: with 2 and a sentence for any error, with 130 for Ctrl-C."""
    try:
        yield
    except _EXPECTED as error:
        _stop(errors, str(error), error)
    except KeyboardInterrupt:
        errors.print(interrupted)
        raise typer.Exit(Exit.INTERRUPTED) from None
    except OSError as error:
        _stop(errors, f"{error.filename or output}: {error.strerror}", error)
    except typer.Exit:
        raise
    except Exception as error:  # noqa: BLE001 - no error may end as a pass
        _stop(errors, f"the gate itself failed, so there is no verdict: {type(error).__name__}: {error}", error)


def _refuse_options_of_a_whole_run(context: typer.Context) -> None:
    """Refuse options that --rule, --explain, --watch and --fix would ignore, and two of these that exclude each other.

    Raises:
        GateError: One is given.
    """
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name not in _OF_A_QUICK_RUN
        and getattr(context.get_parameter_source(str(parameter.name)), "name", "") == "COMMANDLINE"
    ]
    if given:
        raise gate.GateError(
            f"{', '.join(given)}: not with --rule, --explain, --watch or --fix, which write no report; leave it out"
        )
    if context.params["write"] and not context.params["fix"]:
        raise gate.GateError("--write is an option of --fix; type --fix --write")
    modes = [f"--{name}" for name in ("explain", "watch", "fix") if context.params[name]]
    if len(modes) > 1:
        raise gate.GateError(f"{' and '.join(modes)} exclude each other; run the gate once for each")


def _explain(names: list[str]) -> Exit:
    from compliance import developer  # noqa: PLC0415 - a whole run does not need it

    for each in developer.find_rules(names):
        Console(soft_wrap=True, emoji=False).print(Text(developer.explain(each)))
    return Exit.PASSED


def _fixes(given: _Given, names: list[str], say: gate.Say) -> "fixing.Fixes":
    from compliance import developer, fixing  # noqa: PLC0415 - a whole run does not need them

    if not (given.templates or given.assembly):
        raise gate.GateError("--fix needs --template or --assembly; type `nox -s synth`, then --assembly cdk.out")
    files, registry = _input(given)
    with _limited(given.templates):
        assembly = given.assembly
        loaded = load_assembly(assembly) if assembly else Assembly(templates=tuple(load_templates(files, given.account)))
        return fixing.fix(loaded, given.configurations[0], registry, developer.find_rules(names), say)


def _show_fixes(fixes: "fixing.Fixes", errors: Console, note: str, *, write: bool) -> Exit:
    """Print the patch, and beside it what it does and what is left to do by hand."""
    print(fixes.patch, end="")  # noqa: T201 - a patch, without the console's marks
    for line in (*([note] if note and fixes.texts else []), *fixes.report()):
        errors.print(Text(printable(line)), soft_wrap=True)
    if write:
        fixes.write()
    return Exit.FINDINGS if fixes.left or (fixes.done and not write) else Exit.PASSED


def _quick(
    judge: Callable[..., Findings], names: list[str], files: Sequence[Path], assembly: Path | None, watched: Console | None
) -> Exit:
    """Judge by some rules alone; with a console for errors, judge again after each change until Ctrl-C."""
    from compliance import developer  # noqa: PLC0415 - a whole run does not need it

    if not (files or assembly):
        option = "--watch" if watched else "--rule"
        raise gate.GateError(f"{option} needs --template or --assembly; type `nox -s synth`, then --assembly cdk.out")
    rules, last = developer.find_rules(names), Exit.PASSED
    if not watched:
        return _show_quick(judge(rules=rules), rules)
    with suppress(KeyboardInterrupt):
        while True:
            before = developer.state(files, assembly)
            try:
                last = _show_quick(judge(rules=rules), rules)
            except _EXPECTED as error:
                last = Exit.ERROR
                watched.print(Text(printable(f"ERROR: {error}"), style="bold red"), soft_wrap=True)
            developer.wait_for_change(files, assembly, before)
    return last


def _show_quick(ledger: Findings, rules: Sequence[Rule]) -> Exit:
    console = Console(soft_wrap=True, emoji=False)
    show(ledger, [], console)
    if rules:
        names = ", ".join(rule.id for rule in rules)
        console.print(Text(f"Judged by {names} alone: this is no verdict on a deployment.", style="dim"))
    return status(ledger)


def _be_silent(_text: str) -> None:
    """Show no progress: a quick run ends before a reader has read it."""


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The evidence.zip of a run.")],
    expect: Annotated[
        str, typer.Option(metavar="SHA256", help="SHA-256 of the manifest, which the gate printed at the end of the run.")
    ] = "",
    key: Annotated[
        str, typer.Option(help="Public key that signed the bundle: a file in PEM, or awskms: and a key of KMS.")
    ] = "",
    attestation: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The signature that `sign` wrote.", show_default="BUNDLE.intoto.json")
    ] = None,
    drills: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of all drills, to compare with the chain that the bundle anchors."),
    ] = None,
) -> None:
    """Check an evidence bundle against its manifest, and list each file that was changed.

    Who can write the bundle can write its manifest again. Only --expect and --key detect that.

    python -m compliance verify evidence.zip --key evidence.pub --drills reports/drill

    Exit status: 0 unchanged, 1 changed, 2 wrong use or no such file.
    """
    console, errors = Console(soft_wrap=True, emoji=False), Console(stderr=True, emoji=False)
    if not bundle.is_file():
        _stop(errors, f"{bundle}: no such file; give the evidence.zip of a run")
    if expect and not _SHA256.fullmatch(expect):
        _stop(errors, f"--expect {expect!r} is not a SHA-256; give the 64 digits that the gate printed after `Evidence:`")
    if attestation and not key:
        _stop(errors, "--attestation needs the key that signed it; give --key")
    problems = verify_bundle(bundle)
    checked = "every member is as its manifest says"
    if expect:
        found = fingerprint(bundle)
        if found != expect.lower():
            problems.append(f"{bundle} is another bundle: the SHA-256 of its manifest is {found or 'unknown'}, not {expect}")
        checked += ", which is the expected one"
    if key:
        problems += _unsigned(bundle, attestation, key, errors)
        checked += f", signed by {key}"
    if drills:
        from compliance.reports import drill_chain  # noqa: PLC0415 - only this option needs it

        problems += drill_chain.compare(bundle, drills)
        checked += f", and the drills in {drills} are those that it anchors"
    for problem in dict.fromkeys(problems):
        console.print(Text(printable(problem), style="bold red"))
    if problems:
        raise typer.Exit(Exit.FINDINGS)
    console.print(Text(f"{bundle}: {checked}", style="bold green"))


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The evidence.zip of the earlier run.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The evidence.zip of the later run.")],
) -> None:
    """Compare two evidence bundles, each unchanged since its run: templates, rules, verdicts and decisions.

    Exit status: 0 no difference, 1 differences, 2 wrong use or a bundle that was changed.
    """
    from compliance.reports import bundle_diff  # noqa: PLC0415 - only this command needs it

    console, errors = Console(soft_wrap=True, emoji=False), Console(stderr=True, emoji=False)
    try:
        lines = bundle_diff.diff(old, new)
    except bundle_diff.BundleError as error:
        _stop(errors, str(error), error)
    for line in lines or ["No difference in templates, rules, verdicts and decisions."]:
        console.print(Text(line))
    raise typer.Exit(Exit.FINDINGS if lines else Exit.PASSED)


def _unsigned(bundle: Path, attestation: Path | None, key: str, errors: Console) -> list[str]:
    from compliance.reports import attestation as attestations  # noqa: PLC0415 - it loads boto3

    try:
        return attestations.verify(bundle, attestation or bundle.with_name(bundle.name + attestations.SUFFIX), key)
    except attestations.AttestationError as error:
        _stop(errors, str(error), error)


@app.command()
def sign(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The evidence.zip of a run.")],
    key: Annotated[str, typer.Option(help="Private key: a file in PEM, or awskms: and a key of KMS.")],
) -> None:
    """Sign an evidence bundle: write an in-toto attestation about its manifest to BUNDLE.intoto.json.

    python -m compliance sign evidence.zip --key awskms:alias/evidence

    Exit status: 0 signed, 2 the bundle was changed or the key cannot sign.
    """
    from compliance.reports import attestation as attestations  # noqa: PLC0415 - it loads boto3

    console, errors = Console(soft_wrap=True, emoji=False), Console(stderr=True, emoji=False)
    try:
        file, key_id = attestations.sign(bundle, key)
    except attestations.AttestationError as error:
        _stop(errors, str(error), error)
    console.print(Text(f"{file}: signed by the key {key_id}", style="bold green"))


@app.command()
def upload(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The evidence.zip of a run.")],
    bucket: Annotated[str, typer.Option(help="Bucket with Object Lock and a default retention.")],
    prefix: Annotated[str, typer.Option(help="Beginning of the keys, before the SHA-256 of the manifest.")] = "gate",
) -> None:
    """Upload an evidence bundle, and its attestation, to a bucket under Object Lock; print until when it is kept.

    python -m compliance upload evidence.zip --bucket evidence-of-our-company

    Exit status: 0 kept, 2 the bundle was changed, S3 refuses a call, or the bucket does not lock its objects.
    """
    from compliance.reports import locked_upload  # noqa: PLC0415 - it loads boto3

    console, errors = Console(soft_wrap=True, emoji=False), Console(stderr=True, emoji=False)
    try:
        kept = locked_upload.upload(bundle, bucket, prefix)
    except locked_upload.UploadError as error:
        _stop(errors, str(error), error)
    for one in kept:
        done = "uploaded" if one.is_new else "already there"
        console.print(Text(f"{one.uri}: {done}, version {one.version}, {one.mode} until {one.until:%Y-%m-%d}", "bold green"))


def status(ledger: Findings, fail_on: FailOn = FailOn.WARNING, changes: Changes | None = None) -> Exit:
    """Return the exit status for a ledger.

    Args:
        ledger: The findings of a run.
        fail_on: Lowest severity that fails.
        changes: Differences from the baseline; FailOn.NEW needs them.
    """
    if not ledger.evaluated:
        return Exit.ERROR
    match fail_on:
        case FailOn.NEW:
            failed = changes is None or bool(changes.new)
        case FailOn.ERROR:
            failed = any(ledger.rules[finding.rule].severity is Severity.ERROR for finding in ledger.failures)
        case FailOn.WARNING:
            failed = bool(ledger.failures)
        case FailOn.ADVICE:
            failed = bool(ledger.failures or ledger.advice)
    return Exit.FINDINGS if failed else Exit.PASSED


def outcome(ledger: Findings, fail_on: FailOn, changes: Changes | None) -> str:
    """Return the verdict of a threshold in one line; empty where the threshold is the default one."""
    found = status(ledger, fail_on, changes)
    if found is Exit.ERROR or fail_on is FailOn.WARNING:
        return ""
    match fail_on:
        case FailOn.NEW:
            new = len(changes.new) if changes else 0
            counted = f"{new} new" if new else "none new"
        case FailOn.ERROR:
            errors = sum(ledger.rules[finding.rule].severity is Severity.ERROR for finding in ledger.failures)
            counted = "none of them an error"
            if errors:
                counted = f"{errors} of them {'an error' if errors == 1 else 'errors'}"
        case FailOn.ADVICE:
            counted = counted_of(len(ledger.advice), "piece", "of advice")
    verdict = "PASSED" if found is Exit.PASSED else "FAILED"
    return f"{verdict} under --fail-on {fail_on}: {counted_of(len(ledger.failures), 'finding')} open, {counted}"


def threshold(ledger: Findings, fail_on: FailOn, changes: Changes | None) -> Threshold | None:
    """Return the threshold that decides in place of the ledger; None for the default one."""
    summary = outcome(ledger, fail_on, changes)
    if not summary:
        return None
    passed = status(ledger, fail_on, changes) is Exit.PASSED
    tolerated = frozenset(finding for finding in ledger.failures if not _counts(finding, ledger, fail_on, changes))
    return Threshold(fail_on=fail_on.value, passed=passed, summary=summary, tolerated=tolerated)


def _counts(finding: Finding, ledger: Findings, fail_on: FailOn, changes: Changes | None) -> bool:
    match fail_on:
        case FailOn.ERROR:
            return ledger.rules[finding.rule].severity is Severity.ERROR
        case FailOn.NEW:
            new = {(row.rule, row.configuration, row.region, row.path) for row in changes.new} if changes else set()
            return changes is None or (finding.rule, finding.configuration, finding.region, finding.path) in new
    return True


def _judge(given: _Given, app_factory: str, *, rules: Sequence[Rule] = (), say: gate.Say) -> Findings:
    today, configurations = datetime.now(UTC).date(), given.configurations
    files, registry = _input(given)
    if given.templates:
        with _limited(given.templates):
            templates = load_templates(files, given.account)
            return gate.judge_templates(templates, configurations[0].environment, today, say, rules)
    if given.assembly:
        return gate.judge_assembly(given.assembly, configurations[0].environment, registry, today, say, rules)
    is_matrix = all(configuration.matrix for configuration in configurations)
    environments, matrix = ((), read_matrix()) if is_matrix else (read_environments(), ())
    return gate.judge_app(app_factory, configurations, registry, today, say, environments=environments, matrix=matrix)


def _input(given: _Given) -> tuple[list[tuple[Path, str]], Registry]:
    """Return each template with its region, and the decisions that apply.

    Raises:
        GateError: Options contradict each other.
    """
    configurations, templates, assembly, region, account, _ = given
    if templates and assembly:
        raise gate.GateError("--template and --assembly exclude each other; run the gate once for each")
    if (templates or assembly) and len(configurations) > 1:
        raise gate.GateError("a template has one environment; give --environment once, without --matrix")
    if templates:
        if given.registry != acknowledgements.DEFAULT_FILE:
            raise gate.GateError("--acknowledgements does not apply to --template, which no decision covers; leave it out")
        if region and not _REGION.fullmatch(region):
            raise gate.GateError(f"--region {region!r} is not a region; give one like us-east-1")
        if account and not ACCOUNT.fullmatch(account):
            raise gate.GateError(f"--account {account!r} is not an account; give its 12 digits")
        return [(file, found or region) for file, found in map(_file_and_region, templates)], Registry()
    if region or account:
        option = "--region" if region else "--account"
        raise gate.GateError(f"{option} applies to --template only; leave it out: an app and an assembly have their own")
    return [], read_registry(given.registry, datetime.now(UTC).date())


@contextmanager
def _limited(templates: Sequence[str]) -> Iterator[None]:
    """End the process if the block takes longer than the templates may take; without templates there is no limit."""
    limit = Timer(SECONDS_A_TEMPLATE * len(templates), _out_of_time, [templates])
    limit.daemon = True
    if templates:
        limit.start()
    try:
        yield
    finally:
        limit.cancel()


def _out_of_time(templates: Sequence[str]) -> NoReturn:
    """End the process although its main thread waits for Node.js, and leave no process and no folder behind."""
    names, seconds = ", ".join(templates), SECONDS_A_TEMPLATE * len(templates)
    text = f"{names}: not judged within {seconds} s ({SECONDS_A_TEMPLATE} s a template); split the template, or give fewer"
    print(f"ERROR: {printable(text)}", file=sys.stderr, flush=True)  # noqa: T201 - the console's own thread may hold its lock
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the main thread may report that Node.js has ended
    end = Timer(_SECONDS_TO_CLEAN_UP, os._exit, [Exit.ERROR])
    end.daemon = True
    end.start()
    atexit._run_exitfuncs()  # noqa: SLF001 - jsii's ends Node.js, and tempfile's remove the folders
    os._exit(Exit.ERROR)


def _configurations(
    environments: Sequence[str], names: Sequence[str], *, matrix: bool, app_only: bool
) -> Sequence[Configuration]:
    if sum(map(bool, (environments, names, matrix))) > 1:
        raise gate.GateError("--environment, --configuration and --matrix exclude each other")
    if environments:
        return [Configuration.of(environment) for environment in dict.fromkeys(environments)]
    if names:
        return chosen(read_matrix(), names)
    if matrix:
        return read_matrix()
    every = read_environments()
    return every if app_only else every[:1]


def _check(formats: Sequence[str], fail_on: FailOn, baseline: Path | None, output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise gate.GateError(f"--output {output}: is a file; give a folder")
    if fail_on is FailOn.NEW and not baseline:
        raise gate.GateError("--fail-on new needs a report to compare with; give --baseline REPORT.JSON")
    check_formats(formats)


def check_formats(formats: Sequence[str]) -> None:
    """Refuse what is no format, and a PDF without a browser, before anything is judged.

    Raises:
        GateError: There is one.
    """
    for name in formats:
        if name not in FORMATS:
            raise gate.GateError(f"--format {name!r} is not a format; choose from {', '.join(FORMATS)}")
    if "pdf" in formats:
        from reporting.chromium import NoBrowserError, find  # noqa: PLC0415 - only this format needs a browser

        try:
            find()
        except NoBrowserError as error:
            raise gate.GateError(f"--format pdf: {error}") from error


def _drill(folder: Path) -> dict[str, bytes] | None:
    """Return the evidence of a drill; None where --drill is not given and no drill has run."""
    from compliance.reports import drill_chain  # noqa: PLC0415 - a mere --help does without it

    if not (folder / EVIDENCE).exists() and folder == _LAST_DRILL:
        return None
    try:
        return drill_chain.members(folder)
    except ValueError as error:
        hint = "run the drill again, or remove the folder to leave it out"
        raise gate.GateError(f"--drill {folder}: the evidence cannot be used: {error}; {hint}") from error


def _file_and_region(text: str) -> tuple[Path, str]:
    file, _, region = text.rpartition("@")
    if Path(file).is_file() and not Path(text).exists() and not _REGION.fullmatch(region):
        raise gate.GateError(f"--template {text}: {region!r} is not a region; give one like us-east-1")
    return (Path(file), region) if file and _REGION.fullmatch(region) else (Path(text), "")


def _leave_the_verdict_to_the_gate() -> None:
    """Stop the CDK from printing findings and from failing: the gate reads the findings from its report."""
    context = json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
    os.environ["CDK_CONTEXT_JSON"] = json.dumps({**context, "@aws-cdk/core:failSynthOnValidationErrors": False})


def _stop(errors: Console, message: str, cause: Exception | None = None) -> NoReturn:
    """Print an error and end with status 2."""
    errors.print(Text(printable(f"ERROR: {message}"), style="bold red"), soft_wrap=True)
    raise typer.Exit(Exit.ERROR) from cause


if __name__ == "__main__":
    sys.exit(app(prog_name="python -m compliance"))
