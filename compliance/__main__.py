"""`python -m compliance`: the gate on the command line."""

import json
import os
import re
import sys
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from compliance import gate
from compliance.acknowledgements import DEFAULT_FILE, RegistryError, read_registry
from compliance.coverage import UncoveredError
from compliance.ledger import Ledger
from compliance.loading import LoadError, load_template
from compliance.reports import write_reports
from compliance.reports.console import show

_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


class Exit(IntEnum):
    """What the exit status says."""

    PASSED = 0
    FINDINGS = 1
    ERROR = 2


@app.command()
def main(  # noqa: PLR0913, PLR0917 - each is an option of the command
    environment: Annotated[
        list[str] | None,
        typer.Option(
            help="The environment to judge, which the names end in. Repeatable.",
            show_default=f"{', '.join(gate.MATRIX)}; for templates {gate.MATRIX[0]}",
        ),
    ] = None,
    template: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE[@REGION]",
            help="Judge this CloudFormation template, JSON or YAML, instead of the app. Repeatable.",
        ),
    ] = None,
    assembly: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Judge this cloud assembly (cdk.out) instead of the app.")
    ] = None,
    region: Annotated[str, typer.Option(help="The region of every --template that names none.")] = "",
    app_factory: Annotated[
        str, typer.Option("--app", metavar="MODULE:FUNCTION", help="What builds the app for an environment.")
    ] = "infra.app:build_app",
    output: Annotated[Path, typer.Option(help="Where to write the reports.")] = Path("reports/compliance"),
    registry: Annotated[
        Path, typer.Option("--acknowledgements", help="The decisions.", show_default="compliance/acknowledgements.toml")
    ] = DEFAULT_FILE,
) -> None:
    """Judge infrastructure before it is deployed, and leave the evidence.

    Six cdk-nag packs, AWS's CloudFormation validation and our own rules on names and tags look at every resource.
    A finding is mended in the infrastructure, or accepted by a decision in acknowledgements.toml that has a reason,
    an owner and a date. What a rule could not evaluate fails too.

    python -m compliance                                      our app: prod, staging and dev

    python -m compliance --environment dev                    one environment

    python -m compliance --assembly cdk.out                   what `cdk synth` wrote

    python -m compliance --template queue.yaml@us-east-1      any template

    Exit status: 0 passed, 1 findings, 2 wrong use, a template that cannot be read, or an error of the gate.
    """
    errors = Console(stderr=True)
    _leave_the_verdict_to_the_gate()
    try:
        with errors.status("compliance") as progress:
            ledger = _judge(environment or [], template or [], assembly, region, app_factory, registry, say=progress.update)
            files = write_reports(ledger, output)
    except (gate.GateError, LoadError, RegistryError, UncoveredError) as error:
        errors.print(f"ERROR: {error}", style="bold red", markup=False, soft_wrap=True)
        raise typer.Exit(Exit.ERROR) from error
    except Exception as error:
        errors.print(
            f"ERROR: the gate itself failed, so nothing is known: {type(error).__name__}: {error}",
            style="bold red",
            markup=False,
            soft_wrap=True,
        )
        raise typer.Exit(Exit.ERROR) from error
    show(ledger, files, Console(soft_wrap=True))
    raise typer.Exit(status(ledger))


def _judge(  # noqa: PLR0913, PLR0917 - the command's options
    environments: list[str],
    templates: list[str],
    assembly: Path | None,
    region: str,
    app_factory: str,
    registry_file: Path,
    *,
    say: gate.Say,
) -> Ledger:
    today = datetime.now(UTC).date()
    one = environments[0] if environments else gate.MATRIX[0]
    if (templates or assembly) and len(environments) > 1:
        raise gate.GateError("a template is of one environment; give --environment once")
    if templates and assembly:
        raise gate.GateError("--template and --assembly exclude each other; run the gate twice")
    if templates:
        loaded = [load_template(file, found or region) for file, found in map(_file_and_region, templates)]
        return gate.judge_templates(loaded, one, today, say)
    if region:
        raise gate.GateError("--region is for --template; the app's and an assembly's stacks know theirs")
    registry = read_registry(registry_file, today)
    if assembly:
        return gate.judge_assembly(assembly, one, registry, today, say)
    return gate.judge_app(app_factory, environments or list(gate.MATRIX), registry, today, say)


def _file_and_region(text: str) -> tuple[Path, str]:
    file, _, region = text.rpartition("@")
    return (Path(file), region) if file and _REGION.fullmatch(region) else (Path(text), "")


def _leave_the_verdict_to_the_gate() -> None:
    """Keep the CDK from printing each finding and from failing: the findings are read from its report."""
    context = json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
    os.environ["CDK_CONTEXT_JSON"] = json.dumps({**context, "@aws-cdk/core:failSynthOnValidationErrors": False})


def status(ledger: Ledger) -> Exit:
    """What the exit status says of a ledger."""
    if ledger.passed:
        return Exit.PASSED
    return Exit.FINDINGS if ledger.evaluated else Exit.ERROR


if __name__ == "__main__":
    sys.exit(app(prog_name="python -m compliance"))
