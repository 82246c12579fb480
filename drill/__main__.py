"""`python -m drill`: fail the platform over and back, measure the times, and prove that nothing was lost."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from drill import campaign, export, interrupted, runner
from drill import plan_file as plan_file_reader
from drill.faults import FAULTS
from drill.folder import ROOT, DrillFolder, find
from drill.journal import Journal, read
from drill.measures import RESUMED
from drill.model import GOOD, DrillReport, Verdict
from drill.phases import ALL
from drill.plan import DEFAULT_OBJECTS, DEFAULT_TIME_FACTOR, PHASES, FaultSpec, Plan, check_numbers, new_id
from drill.reports import chain, facts
from drill.self_test import run as run_self_test
from drill.targets import supervisor
from drill.targets.live import require_leave, require_possible
from operations import command_line
from operations.command_line import end_like_ctrl_c_on, failure_of, short
from operations.errors import Refused
from operations.selection import FAILED, printing_failures, say
from operations.settings_file import EnvironmentOption, Place, PrimaryOption, SecondaryOption, place_of, read_settings

_INTERRUPTED: Final = 130


class _RunByDefault(TyperGroup):
    """Inserts the command `run` before options without a command, as in `lockstep drill --dry-run`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own
        has_command = bool(args) and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if has_command else ["run", *args])


app = typer.Typer(
    cls=_RunByDefault, add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False, no_args_is_help=False
)


@app.callback()
def main() -> None:
    """Fail the platform over to its other region and back, measure the times, and prove that nothing was lost.

    The default command is `run`. It runs on this machine in about five minutes and needs no AWS account.

    Exit status: 0 the drill passed, or passed with targets that were not measured; 1 it failed or is void; 2 wrong usage or
    refused; 130 interrupted.
    """


@app.command()
def run(  # noqa: PLR0913, PLR0917 - one for each flag
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[@PHASE]",
            help="Fault to inject; repeat for several: " + ", ".join(FAULTS),
            show_default="blackout@inject",
        ),
    ] = None,
    objects: Annotated[
        int | None,
        typer.Option(help="Number of files to upload; 0 drills an empty system.", show_default=str(DEFAULT_OBJECTS)),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the files' content.", show_default="1")] = None,
    time_factor: Annotated[
        float | None,
        typer.Option(
            help="Factor by which the clocks of health checks, alarms and TTLs run faster.",
            show_default=f"{DEFAULT_TIME_FACTOR:g}; 1 with --live",
        ),
    ] = None,
    plan_file: Annotated[
        Path | None,
        typer.Option("--plan", metavar="FILE", help="A reviewed plan (TOML), which the report quotes; docs/drill.md."),
    ] = None,
    environment: EnvironmentOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and change nothing.")] = False,  # noqa: FBT002
    resume_id: Annotated[
        str | None, typer.Option("--resume", metavar="ID", help="Resume an interrupted drill, as `resume` does.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Drill the platform in a real AWS account.")] = False,  # noqa: FBT002
    account: Annotated[str | None, typer.Option(metavar="ID", help="With --live: the expected account, 12 digits.")] = None,
    profile: Annotated[str | None, typer.Option(help="With --live: the AWS profile.")] = None,
    operator_profile: Annotated[
        str | None,
        typer.Option(help="With --live: the profile that assumes the operator's role.", show_default="--profile"),
    ] = None,
    primary: PrimaryOption = None,
    secondary: SecondaryOption = None,
    stop_alarm: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --live: the alarm that ends every fault.")
    ] = None,
    fis_role: Annotated[str | None, typer.Option(metavar="ARN", help="With --live: the role that FIS assumes.")] = None,
    self_test: Annotated[  # noqa: FBT002
        bool, typer.Option("--self-test", help="Drill the product and sabotages of it; each must be convicted.")
    ] = False,
    campaign_name: Annotated[
        str | None,
        typer.Option(
            "--campaign",
            metavar="NAME|N",
            help="Run many drills on one deployment: smoke (each fault), nightly (each fault and pair), or N drawn ones.",
        ),
    ] = None,
    execute: Annotated[bool, typer.Option("--execute", help="With --live: inject the faults.")] = False,  # noqa: FBT002
) -> None:
    """Run a drill.

    Examples:
        lockstep drill run

        lockstep drill run --fault grey --fault partition@failback --objects 1000

        lockstep drill run --dry-run --fault blackout

        lockstep drill run --self-test

        lockstep drill run --campaign nightly
    """
    with _printing_failures():
        flags: dict[str, Any] = {
            "--fault": fault or None,
            "--environment": environment,
            "--objects": objects,
            "--seed": seed,
            "--time-factor": time_factor,
        }
        # A campaign and the self-test choose the faults, and run on this machine.
        alone: dict[str, object] = {"--fault": fault, "--live": live} if campaign_name or self_test else {}
        _require_one(
            {"--plan": plan_file, "--campaign": campaign_name, "--self-test": self_test, "--resume": resume_id, **alone}
        )
        if campaign_name:
            flags["--objects"] = campaign.OBJECTS if objects is None else objects
            flags["--time-factor"] = campaign.TIME_FACTOR if time_factor is None else time_factor
        plan, environment = _wanted(plan_file, flags)
        if resume_id and dry_run:
            raise Refused(
                "--dry-run and --resume exclude each other: --dry-run plans a new drill, --resume continues one.",
                hint=f"Type one of them. For the state of {resume_id} type: lockstep drill status {resume_id}",
            )
        if resume_id:
            _conclude(_resume(find(resume_id)))
        plan = dataclasses.replace(
            plan,
            time_factor=1.0 if live else plan.time_factor,
            mode="live" if live else "local",
            account=account,
            profile=profile,
            operator_profile=operator_profile,
            stop_alarm=stop_alarm,
            fis_role=fis_role,
        )
        if live:
            require_possible(plan, can_be=[name for name, one in FAULTS.items() if one.is_made_on_aws])
            place = place_of(environment, primary, secondary)
        elif account or profile or operator_profile or execute or stop_alarm or fis_role:
            raise Refused(
                "--account, --profile, --operator-profile, --execute, --stop-alarm and --fis-role need --live; a local "
                "drill uses no account.",
                hint="Type `lockstep drill run`, or add --live.",
            )
        else:
            place = Place.of(read_settings(environment))
        plan = dataclasses.replace(plan, **dataclasses.asdict(place))
        if campaign_name:
            raise typer.Exit(0 if _campaign(plan, campaign_name, dry_run=dry_run) else FAILED)
        if self_test:
            raise typer.Exit(0 if run_self_test(Console(highlight=False, emoji=False), plan) else FAILED)
        _show(plan)
        if dry_run:
            raise typer.Exit(0)
        if live:
            require_leave(plan, execute=execute)
            _confirm(plan)
        _conclude(_resume(_begun(plan)))


@app.command()
def resume(
    drill_id: Annotated[str | None, typer.Argument(help="The drill's id.", show_default="the newest")] = None,
) -> None:
    """Resume an interrupted drill where it stopped."""
    with _printing_failures():
        _conclude(_resume(find(drill_id)))


@app.command()
def abort(drill_id: Annotated[str | None, typer.Argument(help="The drill's id.", show_default="the newest")] = None) -> None:
    """End an interrupted drill: heal its faults, make the primary active, report it as failed, stop its cloud."""
    with _printing_failures():
        _conclude(_resume(find(drill_id), abort="aborted by `lockstep drill abort`"))


@app.command()
def status(
    drill_id: Annotated[str | None, typer.Argument(help="The drill's id.", show_default="the newest")] = None,
) -> None:
    """Show the state of a drill's phases, and what to type next."""
    with _printing_failures():
        folder = find(drill_id)
        entries = read(_whole_lines(folder))
        table = Table(title=f"drill {folder.path.name}", title_justify="left")
        for column in ("phase", "status", "outcome"):
            table.add_column(column)
        for name in PHASES:
            last = [one for one in entries if one.phase == name and one.event.startswith("phase ")][-1:]
            words = {"phase began": "started", "phase done": "done", "phase failed": "failed"}
            data = last[0].data if last else {}
            table.add_row(name, words[last[0].event] if last else "", str(data.get("outcome") or data.get("why") or ""))
        Console(highlight=False, emoji=False).print(table)
        say(interrupted.next_step(folder, is_ended=any(one.event == "drill ended" for one in entries)))


@app.command("export")
def export_requests(  # noqa: PLR0913, PLR0917 - one for each flag
    account: Annotated[str, typer.Option(metavar="ID", help="The account, 12 digits.")],
    execution_role: Annotated[str, typer.Option(metavar="ARN", help="The role that executes the ARC plan.")],
    approval_role: Annotated[str, typer.Option(metavar="ARN", help="The role that approves the plan's steps.")],
    fis_role: Annotated[str, typer.Option(metavar="ARN", help="The role that FIS assumes.")],
    stop_alarm: Annotated[str, typer.Option(metavar="NAME", help="The alarm that ends every experiment.")],
    environment: EnvironmentOption = None,
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder to write to.")] = Path(".build/export"),
) -> None:
    """Write the failover as an ARC Region switch plan, and the faults that FIS can inject as its templates.

    It calls nothing. The files are requests for `aws arc-region-switch create-plan` and `aws fis create-experiment-template`
    with --cli-input-json. They are valid by AWS's service models, and none has run on AWS.
    """
    with _printing_failures():
        _require_export(
            account, {"--execution-role": execution_role, "--approval-role": approval_role, "--fis-role": fis_role}
        )
        roles = export.Roles(account, execution_role, approval_role, fis_role, stop_alarm)
        for file in export.write(output, place_of(environment), roles):
            say(str(file))
        for faults, why in export.NOT_EXPORTED.items():
            say(f"Not exported: {faults}: {why}.")


def _require_export(account: str, roles: dict[str, str]) -> None:
    """Refuse values that the services would refuse."""
    if not re.fullmatch(r"[0-9]{12}", account):
        raise Refused(f"--account: {account!r} is not an account id.", hint="Type --account and 12 digits.")
    for flag, arn in roles.items():
        if not re.fullmatch(rf"arn:aws[a-zA-Z0-9-]*:iam::{account}:role/.+", arn):
            raise Refused(
                f"{flag}: {arn!r} is not the ARN of a role of account {account}.",
                hint=f"Type {flag} arn:aws:iam::{account}:role/NAME.",
            )


@app.command()
def verify() -> None:
    """Check that no drill in reports/drill was changed afterwards: its journal, its reports, and the chain of drills."""
    with _printing_failures():
        find(None, ROOT)  # without any drill, nothing would be checked
        problems = chain.verify(ROOT)
        for problem in problems:
            say(problem)
        if problems:
            raise typer.Exit(FAILED)
        say("No drill was changed.")


def _begun(plan: Plan) -> DrillFolder:
    """Begin a drill and return its folder; a drill that cannot begin leaves no folder."""
    folder = DrillFolder(ROOT / plan.drill_id)
    try:
        runner.begin(plan, folder)
    except OSError as error:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise failure_of(error, hint="The drill has not begun. Correct that, and type the same command.") from error
    return folder


def _resume(folder: DrillFolder, *, abort: str = "") -> DrillReport:
    with folder.held():
        journal = Journal(folder.journal)
        if runner.is_ended(journal):
            raise Refused(
                f"Drill {folder.path.name} has ended and cannot be resumed.",
                hint=f"Its report is {short(folder.path / 'summary.md')}. To start another, type: lockstep drill run",
            )
        if runner.has_begun(journal):
            # A duration that spans this entry includes the time until the user typed `resume`.
            journal.append(journal.entries[-1].phase, RESUMED)
        try:
            return runner.resume(folder, Console(highlight=False, emoji=False), abort=abort)
        except KeyboardInterrupt:
            _say_interrupted(folder)
            raise typer.Exit(_INTERRUPTED) from None
        except OSError as error:
            raise failure_of(error, hint=interrupted.after_failure(folder)) from error


def _say_interrupted(folder: DrillFolder) -> None:
    there = supervisor.attach(folder) is not None
    text = interrupted.describe(Journal(folder.journal), folder.path.name, cloud_is_there=there)
    Console(stderr=True, highlight=False, emoji=False).print(text, markup=False, soft_wrap=True)


def _conclude(report: DrillReport) -> None:
    """Print the verdict and exit."""
    console = Console(highlight=False, emoji=False)
    folder = short(ROOT / report.drill_id)
    table = Table(title_justify="left", box=None)
    for column in ("measured", "seconds", "promised"):
        table.add_column(column)
    for one in report.measures:
        seconds = "not measured" if one.seconds is None else f"{one.seconds:.1f}"
        promised = "" if one.target_seconds is None else f"{one.target_seconds:.0f}"
        table.add_row(one.title, seconds, promised)
    console.print(table)
    for reason in report.reasons:
        console.print(f"- {reason}", markup=False, soft_wrap=True)
    console.print(f"Report: {folder}/index.html, summary.md, report.json; also in {short(ROOT)}/latest", soft_wrap=True)
    controls = report.negative_controls
    console.print(
        f"{facts.verdict(report)}: {report.objects} objects, {facts.effects(report)}, "
        f"{controls.found}/{controls.injected} negative controls found",
        style={Verdict.PASSED: "bold green", Verdict.NOT_ALL_MEASURED: "bold yellow"}.get(report.verdict, "bold red"),
        soft_wrap=True,
    )
    raise typer.Exit(0 if report.verdict in GOOD else FAILED)


def _wanted(file: Path | None, flags: dict[str, Any]) -> tuple[Plan, str | None]:
    """Return the drill and the environment that the plan file describes, or else the flags; None is a flag not typed.

    Raises:
        Refused: The file or a flag is wrong, or both describe the drill: a flag would change what was reviewed.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if file and given:
        raise Refused(
            f"--plan {file} describes the drill, and {', '.join(given)} would change what was reviewed.",
            hint="Leave out the flags, or change the file and have it reviewed.",
        )
    if file:
        found, reviewed = plan_file_reader.read(file)
        return Plan(
            drill_id=new_id(),
            faults=found.specs,
            objects=found.objects,
            seed=found.seed,
            time_factor=found.time_factor,
            reviewed=reviewed,
        ), found.environment
    objects, factor = given.get("--objects", DEFAULT_OBJECTS), given.get("--time-factor", DEFAULT_TIME_FACTOR)
    check_numbers(objects, factor)
    specs = tuple(FaultSpec.parse(one, tuple(FAULTS)) for one in given.get("--fault", ["blackout"]))
    return Plan(
        drill_id=new_id(), faults=specs, objects=objects, seed=given.get("--seed", 1), time_factor=factor
    ), given.get("--environment")


def _show(plan: Plan) -> None:
    """Print the plan."""
    if plan.reviewed:
        say(f"Hypothesis: {plan.reviewed.hypothesis}")
        say(f"Watched by {plan.reviewed.watcher}; approved by {', '.join(plan.reviewed.approvers)}; {plan.reviewed.file}.")
    where = f"account {plan.account}" if plan.mode == "live" else "this machine"
    say(f"Drill {plan.drill_id} of {plan.environment} on {where}: failover {plan.primary} to {plan.secondary} and back.")
    say(f"{plan.objects} files with seed {plan.seed}; health checks, alarms and TTLs run {plan.time_factor:g} times faster.")
    for phase in ALL:
        say(f"  {phase.name:<10} {phase.title}")
        for one in plan.faults_of(phase.name):
            say(f"  {'':<10} FAULT {one.name}: {FAULTS[one.name].title}")
    say(f"  {'report':<10} write the report; in every case heal the faults and make the primary active")


def _require_one(ways: dict[str, object]) -> None:
    """Refuse several ways to choose the drill at once, because all but one would be ignored."""
    given = [flag for flag, value in ways.items() if value]
    if len(given) > 1:
        raise Refused(f"{' and '.join(given)} exclude each other.", hint="Type one of them.")


def _campaign(plan: Plan, name: str, *, dry_run: bool) -> bool:
    """Run a campaign, or list its drills; return whether it is good."""
    if not dry_run:
        return campaign.run(Console(highlight=False, emoji=False), plan, name)
    rounds = campaign.plan_rounds(name, plan.seed)
    say(f"Campaign {name}, seed {plan.seed}: {len(rounds)} drills with {plan.objects} files each, on one local cloud.")
    for specs in rounds:
        say(f"  {' '.join(map(str, specs))}")
    return True


def _confirm(plan: Plan) -> None:
    """Ask the user to type the account before faults are injected in a protected environment."""
    if not plan.is_protected:
        return
    say(f"This injects {', '.join(map(str, plan.faults))} in {plan.environment} of account {plan.account}.")
    if not sys.stdin.isatty() or input("Type the account to continue: ").strip() != plan.account:
        raise Refused("The drill was not confirmed.", hint="Nothing was done. Type the account at a terminal to confirm.")


def _whole_lines(folder: DrillFolder) -> bytes:
    content = folder.journal.read_bytes() if folder.journal.exists() else b""
    return content[: content.rfind(b"\n") + 1]


@contextlib.contextmanager
def _printing_failures() -> Iterator[None]:
    """Turn every failure into a message and an exit status, without a traceback."""
    end_like_ctrl_c_on(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    with printing_failures():
        yield


if __name__ == "__main__":
    command_line.run(app, name="python -m drill")
