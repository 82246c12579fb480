"""Call the CDK: synthesize an app, and let the cdk-nag packs judge templates. No other module imports aws_cdk."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from aws_cdk import App, DefaultStackSynthesizer, Environment, FileSystem, Stack, Validations
from aws_cdk.cloudformation_include import CfnInclude
from cdk_nag import (
    AwsSolutionsChecks,
    HIPAASecurityChecks,
    NIST80053R4Checks,
    NIST80053R5Checks,
    PCIDSS321Checks,
    ServerlessChecks,
)

from compliance.cfn.loading import LoadError
from compliance.cfn.templates import Json, Template
from compliance.packs import native

_PACKS: Final = (
    AwsSolutionsChecks,
    NIST80053R4Checks,
    NIST80053R5Checks,
    HIPAASecurityChecks,
    PCIDSS321Checks,
    ServerlessChecks,
)
_ENDLESS: Final = "Maximum call stack size exceeded"
"""Error of Node.js for conditions that refer to themselves in a circle."""
_ROOT: Final = "Template"
_FAILED: Final = "ValidationFailed"
_DO_NOT_RAISE: Final = "@aws-cdk/core:failSynthOnValidationErrors"


class UnrecordedError(Exception):
    """Raised when Node.js was started before the gate in this process, so the packs' answers cannot be recorded."""


def synthesize(app: App, meanwhile: Callable[[], object]) -> Path:
    """Synthesize an app, and return the folder of its cloud assembly.

    A failure of the CDK's own validation raises nothing here: the gate judges the templates.

    Args:
        app: With its stacks.
        meanwhile: Called while Node.js synthesizes and Python would wait.

    Raises:
        RuntimeError: The CDK fails for a reason other than its own validation.
    """
    with ThreadPoolExecutor(1) as beside:
        done = beside.submit(meanwhile)
        _synthesize(app)
        done.result()
    return Path(app.outdir)


def judge_included(templates: Sequence[Template], directory: Path) -> None:
    """Let the packs judge templates: include each in its own stack, and synthesize the stacks into a folder.

    The resource with a logical id is at the construct path `included_path(index, logical id)`.

    Raises:
        LoadError: The CDK cannot load one of the templates.
        UnrecordedError: The packs' answers cannot be recorded in this process.
    """
    if not native.start():
        raise UnrecordedError(
            "the CDK's Node.js runs without the gate's recorder, so the packs' answers cannot be recorded; call "
            "compliance.packs.native.start() before anything imports aws_cdk"
        )
    # CDK_CONTEXT_JSON of the CLI is meant for the app under judgement; it may not change how the app is judged.
    settled = {_DO_NOT_RAISE: False}
    app = App(outdir=str(directory / "out"), post_cli_context=settled, tree_metadata=False, stack_traces=False)
    for index, template in enumerate(templates):
        _include(app, index, template, directory)
    Validations.of(app).add_plugins(*(pack(app, verbose=True) for pack in _PACKS))
    try:
        _synthesize(app)
    except RuntimeError as error:
        names = ", ".join(dict.fromkeys(template.file or template.name for template in templates))
        raise LoadError(f"{names}: the CDK cannot synthesize it: {error}{_reasons(templates)}") from error


def included_path(index: int, logical_id: str) -> str:
    """Return the construct path that `judge_included` gives a resource of template number `index`."""
    return f"{_stack_id(index)}/{_ROOT}/{logical_id}"


def fingerprint(path: Path) -> str:
    """Return the CDK's hash of a file or folder, which is the asset's name."""
    return FileSystem.fingerprint(str(path))


def _synthesize(app: App) -> None:
    try:
        app.synth()
    except RuntimeError as error:
        if _FAILED not in str(error):
            raise


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
        hint = "; check for a condition that refers to itself" if _ENDLESS in str(error) else ""
        raise LoadError(f"{name}: the CDK cannot load it: {error}{hint}{_reasons([template])}") from error


def _loadable(value: Json) -> Json:
    """Return the template with each Fn::GetStackOutput, which CfnInclude does not know, replaced by an import.

    Both are a value of another stack that is unknown here, so the packs judge them alike.
    """
    if isinstance(value, Mapping):
        if set(value) == {"Fn::GetStackOutput"}:
            return {"Fn::ImportValue": json.dumps(value["Fn::GetStackOutput"])}
        return {key: _loadable(child) for key, child in value.items()}
    return [_loadable(child) for child in value] if isinstance(value, list) else value


def _stack_id(index: int) -> str:
    return f"T{index}"


def _reasons(templates: Sequence[Template]) -> str:
    """Return AWS's fatal errors for the templates: they explain a fault better than the CDK does."""
    messages = [f"{template.name} {message}" for template in templates for message in native.fatal_messages(template)]
    return "".join(("\nAWS's validation reports:", *(f"\n  {message}" for message in messages[:10]))) if messages else ""
