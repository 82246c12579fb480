"""Run a drill: the phases that the journal does not show as done, and always a rollback to the initial state."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from drill import fault_control, measures, proving, reporting, reports, rpo
from drill.context import Context
from drill.folder import DrillFolder
from drill.interrupted import NOT_ROLLED_BACK
from drill.journal import Journal
from drill.model import DrillReport
from drill.phases import ALL, Phase
from drill.plan import Plan
from drill.processes import started_at
from drill.targets import supervisor
from local_cloud import LocalCloudError
from operations.command_line import failure_of, held_back
from operations.errors import RunFailure
from operations.guard import Guard, guarding
from operations.register import Register
from reporting.progress import Step, Steps

_BEGAN = "drill began"
_ENDED = "drill ended"
_FAILURES = (RunFailure, ClientError, BotoCoreError, LocalCloudError, OSError)


def begin(plan: Plan, folder: DrillFolder, *, command_at: float | None = None) -> None:
    """Create the folder and the journal, whose first line is the plan; `command_at` is in epoch seconds."""
    folder.path.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder.journal)
    journal.append("preflight", _BEGAN, plan=plan.as_json())
    journal.mark("preflight", measures.COMMAND, started_at() if command_at is None else command_at)


def plan_of(journal: Journal) -> Plan:
    """Return the plan in a journal's first line."""
    first = next(journal.of(_BEGAN), None)
    if first is None:
        raise RunFailure(
            "This drill was killed before its first line was written.", hint="To start another, type: lockstep drill run"
        )
    return Plan.from_json(first.data["plan"])


def has_begun(journal: Journal) -> bool:
    """Return whether a drill has begun its first phase, so that `run` resumes it."""
    return any(journal.of("phase began"))


def is_ended(journal: Journal) -> bool:
    """Return whether a drill has ended and was reported."""
    return journal.last(_ENDED) is not None


def resume(folder: DrillFolder, console: Console, *, abort: str = "", stop_early: bool = False) -> DrillReport:
    """Run the remaining phases of a drill, roll back, report, and stop the local cloud.

    Args:
        folder: The drill's folder.
        console: The console for the progress.
        abort: Reason to skip the remaining phases; "" to run them.
        stop_early: Whether to stop after the phase in which the promise is broken, without a last proof.

    Raises:
        KeyboardInterrupt: The user pressed Ctrl-C; raised after the rollback and the report.
    """
    journal = Journal(folder.journal)
    plan = plan_of(journal)
    steps = Steps(console)
    context = Context(plan, folder, journal, lambda _: None)
    interrupted: KeyboardInterrupt | None = None
    with steps:
        try:
            if abort:
                _fail(context, abort)
            else:
                _run_phases(context, steps, stop_early=stop_early)
        except KeyboardInterrupt as interrupt:
            interrupted = interrupt
            _fail(context, "interrupted by Ctrl-C")
        finally:
            try:
                with held_back("The drill is being rolled back"):
                    _roll_back(context, steps)
            except KeyboardInterrupt as interrupt:
                interrupted = interrupt
        if not abort and not stop_early and interrupted is None:
            interrupted = _prove_what_is_left(context, steps)
        with held_back("The drill's report is being written"):
            _end_cloud(context)
            report = _report(context, steps)
            journal.append("report", "phase done", outcome=str(report.verdict))
            if plan.mode == "local" or not fault_control.active_faults(journal):
                # Otherwise it has not ended: a fault that could not be healed is still in the account, for `abort` to heal.
                journal.append("report", _ENDED, verdict=str(report.verdict))
    if interrupted:
        raise interrupted
    return report


def _run_phases(context: Context, steps: Steps, *, stop_early: bool) -> None:
    for phase in ALL:
        if stop_early and (broken := reporting.broken(context.journal)):
            _fail(context, f"stopped, because the verdict is known: {broken[0]}")
            return
        done = any(entry.phase == phase.name for entry in context.journal.of("phase done"))
        failed = any(context.journal.of("phase failed"))
        if failed:
            return
        if not done and not _run_phase(context, phase, steps):
            return


def _run_phase(context: Context, phase: Phase, steps: Steps) -> bool:
    """Run a phase; return False if it failed, which the journal records."""
    journal = context.journal
    context.phase = phase.name
    resumed = any(entry.phase == phase.name for entry in journal.of("phase began"))
    journal.append(phase.name, "phase began", resumed=resumed)
    try:
        with steps.step(f"{phase.name}: {phase.title}") as step, _shown(context, step):
            if phase.name != "preflight":
                context.open(start=False)
            fault_control.await_alarm(context, phase.name)
            if not phase.injects_itself:
                fault_control.inject(context, phase.name)
            if "flow" in vars(context):
                context.flow.nudge()
            with _guarded(context, phase):
                outcome = phase.run(context)
            step.conclude(outcome)
    except _FAILURES as error:
        _fail(context, context.lost or _why(error))
        return False
    journal.state(phase.name, "uploads_by_phase", dict(context.uploaded))
    journal.append(phase.name, "phase done", outcome=outcome)
    if phase.name == "detect":
        journal.mark(phase.name, "detected")
    return True


@contextlib.contextmanager
def _shown(context: Context, step: Step) -> Iterator[None]:
    context.say = step.say
    try:
        yield
    finally:
        context.say = lambda _: None


@contextlib.contextmanager
def _guarded(context: Context, phase: Phase) -> Iterator[None]:
    """Allow calls only to the region to be promoted during the phases of the failover."""
    if not phase.is_failover:
        yield
        return
    allowed = (context.target.secondary,)
    context.sampler.look_only_at(allowed)
    guard = Guard(allowed)
    try:
        with guarding(guard):
            yield
    finally:
        context.journal.append(phase.name, "guard", calls=guard.calls, violations=guard.violations)
        context.sampler.look_only_at(context.target.regions)


def _why(error: Exception) -> str:
    """Return what failed and what to do about it, in sentences."""
    failure = failure_of(error) if isinstance(error, OSError) else error
    if isinstance(failure, RunFailure):
        return " ".join(filter(None, (failure.message, failure.hint, failure.tail)))
    return str(failure)


def _fail(context: Context, why: str) -> None:
    context.journal.append(context.phase, "phase failed", why=why)


def _roll_back(context: Context, steps: Steps) -> None:
    """Heal faults, repair negative controls and make the primary active. After a successful drill this changes nothing."""
    journal = context.journal
    outcome: list[str] = []
    problems: list[str] = []
    _report_threads(context)
    try:
        if not context.can_open or context.lost:
            return  # with the local cloud everything that the drill did has gone
        with steps.step("roll back: remove all effects of the drill"):
            # A step that fails, of a full disk for example, must not prevent the others.
            for undo in (_heal, proving.undo_damage, _make_primary_active):
                try:
                    context.open(start=False)
                    outcome += filter(None, [undo(context)])
                except _FAILURES as error:
                    problems.append(_why(error))
        if outcome:
            journal.append(context.phase, "rolled back", outcome="; ".join(outcome))
        if problems:
            _fail(context, f"{NOT_ROLLED_BACK}: {'; '.join(dict.fromkeys(problems))}")
    finally:
        context.close()
        _report_threads(context)


def _report_threads(context: Context) -> None:
    """Record a failed thread as a failure of the drill, once, so that it ends no step of the rollback."""
    with contextlib.suppress(OSError):  # a full disk, which the rollback itself reports
        for failure in context.failures():
            _fail(context, failure)


def _heal(context: Context) -> str:
    before = fault_control.active_faults(context.journal)
    fault_control.heal(context)
    return f"healed {', '.join(before)}" if before and not fault_control.is_final(context.journal) else ""


def _make_primary_active(context: Context) -> str:
    """Make the primary active, with a higher claim than the secondary's, which may not have replicated yet."""
    target = context.target
    if fault_control.is_final(context.journal):
        return f"{target.primary} is lost for good; {target.secondary} stays active"
    claims = Register(target, target.secondary).claims()
    own = Register(target, target.primary).standing()
    rival = claims.get(target.secondary, 0)
    at_least = rival + 1 if rival > own.epoch else 0
    promotion = Register(target, target.primary).promote(at_least=at_least)
    return "" if promotion.already else f"{target.primary} is active again"


def _prove_what_is_left(context: Context, steps: Steps) -> KeyboardInterrupt | None:
    """Prove once more if the drill was stopped, so that the report names objects that the cause has lost.

    Returns:
        The KeyboardInterrupt if the user pressed Ctrl-C; the report is still to be written.
    """
    journal = context.journal
    if context.lost or not (any(journal.of("phase failed")) and context.is_open and context.sender.receipts()):
        return None
    try:
        with steps.step("prove: compare the sources after the drill was stopped") as step, _shown(context, step):
            proof = proving.prove_what_is_left(context)
            outcome = (
                f"{proof.objects} objects: {proof.lost} lost, {proof.duplicated} duplicated, {proof.divergent} divergent"
            )
            context.note(f"proved after the drill was stopped: {outcome}", level="good" if proof.equal else "bad")
            step.conclude(outcome)
    except _FAILURES as error:
        context.note(f"nothing could be proved after the drill was stopped: {error}", level="bad")
    except KeyboardInterrupt as interrupt:
        _fail(context, "interrupted by Ctrl-C")
        return interrupt
    return None


def _end_cloud(context: Context) -> None:
    """Take the last measurements of the platform, then stop the local cloud and record the time of its end."""
    context.phase = "report"
    if context.is_open and not context.lost:
        context.journal.state("report", "account", context.target.account)
        context.journal.state("report", "rpo", rpo.measure(context))
    try:
        supervisor.stop(context.folder)
    except RunFailure as failure:
        _fail(context, _why(failure))
    else:
        context.journal.mark("report", measures.GONE)


def _report(context: Context, steps: Steps) -> DrillReport:
    with steps.step("report: write the report"):
        context.journal.append("report", "phase began", resumed=False)
        report = reporting.build(context.journal, context.plan, context.folder)
        reports.write(report, context.folder.path, journal=context.folder.journal)
        return report
