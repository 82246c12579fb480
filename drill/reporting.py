"""Make the report of a drill from its journal and its samples, regardless of how it ended."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from typing import Any, Final

from drill import measures, order, sampler, sampling, verdict
from drill.faults import NOT_ON_AWS
from drill.folder import CHECKOUT, DrillFolder
from drill.journal import Entry, Journal, as_text
from drill.model import (
    Allowance,
    DrillReport,
    Event,
    FaultRecord,
    GuardReport,
    NegativeControls,
    NotTested,
    PhaseRecord,
    Proof,
)
from drill.plan import PHASES, Plan
from drill.reports import chain
from local_cloud.known_gaps import NOT_FAITHFUL

_TOOLS: Final = ("boto3", "ministack", "aws-cdk-lib", "pydantic")
_OF_A_LOCAL_DRILL: Final = (
    NotTested(what="A drill in a real account", why="--live is tested with stubs and has never run on AWS"),
    NotTested(what="AWS's own throughput", why="the speed at which a backlog is processed here depends on this machine"),
    NotTested(
        what="A backlog of ten thousand files",
        why="the load is processed before the fault; the measure states the backlog at the decision",
    ),
    NotTested(
        what="Public DNS",
        why="the drill has one health checker and one name server, not those of Route 53 and its resolvers",
    ),
    NotTested(
        what="Credentials while us-east-1 is down", why="nobody signs in here; a user's sign-in may depend on that region"
    ),
)
_OF_A_LIVE_DRILL: Final = (
    NotTested(what=f"{', '.join(NOT_ON_AWS)}, a true blackout", why="AWS cannot inject them; S3 continues to answer"),
    NotTested(what="DNS", why="the record's zone is private, and this machine's resolver cannot see it"),
)
_OF_EVERY_DRILL: Final = (
    NotTested(what="The time that an operator needs to decide", why="the drill decides by itself"),
    NotTested(
        what="The guard and clients",
        why="it checks the calls of the drill and the operator; a client may try the lost region",
    ),
)
_LEVELS: Final = {
    "phase began": "info",
    "phase done": "good",
    "phase failed": "bad",
    "fault injected": "warning",
    "fault healed": "good",
    "stopped": "bad",
    "rolled back": "good",
}


def build(journal: Journal, plan: Plan, folder: DrillFolder) -> DrillReport:
    """Make the report from the current content of the journal."""
    began, ended = journal.entries[0].at, journal.entries[-1].at
    samples = sampler.read(folder.samples)
    found = measures.measure(journal, plan, began_at=began, ended_at=ended)
    proof = _model(Proof, journal.fact("proof"))
    controls = _model(NegativeControls, journal.fact("controls")) or NegativeControls(injected=0, found=0)
    guard = _guard(journal, plan)
    verdict_, reasons = verdict.judge(
        failures=[str(entry.data["why"]) for entry in journal.of("phase failed")],
        proof=proof,
        controls=controls,
        guard=guard,
        measures=found,
        during=[*broken(journal), *sampling.contradictions(samples, journal, plan)],
    )
    rpo = journal.fact("rpo") or {}
    return DrillReport(
        drill_id=plan.drill_id,
        verdict=verdict_,
        reasons=reasons,
        plan=plan.reviewed,
        target=plan.mode,
        account=str(journal.fact("account") or plan.account or "000000000000"),
        environment=plan.environment,
        primary_region=plan.primary,
        secondary_region=plan.secondary,
        time_factor=plan.time_factor,
        began_at=as_text(began),
        ended_at=as_text(ended),
        seed=plan.seed,
        faults=tuple(_faults(journal, plan)),
        objects=plan.objects,
        lost=proof.lost if proof else None,
        duplicated=proof.duplicated if proof else None,
        divergent=proof.divergent if proof else None,
        rto_seconds=measures.rto(found),
        rpo_seconds=rpo.get("seconds", dict.fromkeys(("durable", "accepted", "one_region"))),
        rpo_objects=rpo.get("objects", dict.fromkeys(("durable", "accepted"))),
        stations=journal.fact("stations") or {},
        uploads_by_phase=journal.fact("uploads_by_phase") or {},
        allowed=tuple(Allowance.model_validate(one) for one in (journal.fact("promise") or {}).get("allowed", ())),
        measures=found,
        negative_controls=controls,
        proof=proof,
        guard=guard,
        phases=tuple(_phases(journal)),
        timeline=tuple(_timeline(journal, began)),
        samples=samples,
        not_tested=tuple(_not_tested(plan)),
        tools={"python": sys.version.split()[0]} | {name: importlib.metadata.version(name) for name in _TOOLS},
        git_revision=_revision(),
        journal_sha256=journal.sha256(),
        previous=chain.previous(folder.path.parent, but=plan.drill_id),
    )


def broken(journal: Journal) -> list[str]:
    """Return the sentences on how the platform broke its promise before the end of the drill."""
    during = (journal.fact("promise") or {}).get("broken", ())
    return [*map(str, during), *(str(entry.data["what"]) for entry in journal.of(order.EVENT))]


def _model(kind: Any, held: dict[str, Any] | None) -> Any:  # noqa: ANN401 - one of the report's models
    return None if held is None else kind.model_validate(held)


def _guard(journal: Journal, plan: Plan) -> GuardReport:
    entries = list(journal.of("guard"))
    return GuardReport(
        calls=sum(int(entry.data["calls"]) for entry in entries),
        allowed_regions=(plan.secondary,),
        violations=tuple(violation for entry in entries for violation in entry.data["violations"]),
    )


def _faults(journal: Journal, plan: Plan) -> list[FaultRecord]:
    records = []
    for spec in plan.faults:
        injected, healed = (journal.last(event, fault=str(spec)) for event in ("fault injected", "fault healed"))
        records.append(
            FaultRecord(
                name=spec.name,
                region=plan.primary,
                phase=spec.phase,
                injected_at=as_text(injected.at) if injected else None,
                healed_at=as_text(healed.at) if healed else None,
                detail=str(injected.data["detail"]) if injected else "",
            )
        )
    return records


def _phases(journal: Journal) -> list[PhaseRecord]:
    return [_phase(journal, name) for name in PHASES]


def _phase(journal: Journal, name: str) -> PhaseRecord:
    began = [entry for entry in journal.of("phase began") if entry.phase == name]
    ended = [entry for entry in journal.entries if entry.phase == name and entry.event in {"phase done", "phase failed"}]
    if name == "report":
        # The report phase is the one that is running.
        return PhaseRecord(name=name, status="done", began_at=as_text(journal.entries[-1].at), seconds=0.0)
    if not began:
        return PhaseRecord(name=name, status="not begun")
    last = ended[-1] if ended else None
    return PhaseRecord(
        name=name,
        status="done" if last and last.event == "phase done" else "failed",
        began_at=as_text(began[0].at),
        seconds=round(last.at - began[0].at, 2) if last else None,
        resumed=len(began) - 1,
        outcome=str(last.data.get("outcome") or last.data.get("why") or "") if last else "",
    )


def _timeline(journal: Journal, began: float) -> list[Event]:
    return [event for entry in journal.entries if (event := _event(entry, began)) is not None]


def _event(entry: Entry, began: float) -> Event | None:
    data = entry.data
    match entry.event:
        case "note":
            what, level, region = str(data["what"]), str(data["level"]), data.get("region")
        case "phase began" if data.get("resumed"):
            what, level, region = f"{entry.phase}: resumed after an interruption", "warning", None
        case "phase done":
            what, level, region = f"{entry.phase}: {data['outcome']}", _LEVELS[entry.event], None
        case "phase failed":
            what, level, region = f"{entry.phase}: {data['why']}", _LEVELS[entry.event], None
        case "fault injected":
            what, level, region = f"{data['fault']}: {data['detail']}", _LEVELS[entry.event], None
        case "fault healed":
            what, level, region = f"{data['fault']} is healed", _LEVELS[entry.event], None
        case "rolled back":
            what, level, region = f"rolled back: {data['outcome']}", _LEVELS[entry.event], None
        case _:
            return None
    return Event(
        at=as_text(entry.at),
        seconds=round(entry.at - began, 2),
        phase=entry.phase,
        what=what,
        level=level,
        region=region,
    )


def _not_tested(plan: Plan) -> list[NotTested]:
    if plan.mode == "live":
        return [*_OF_EVERY_DRILL, *_OF_A_LIVE_DRILL]
    return [*_OF_EVERY_DRILL, *_OF_A_LOCAL_DRILL, *(NotTested(what=one.what, why=one.why) for one in NOT_FAITHFUL)]


def _revision() -> str | None:
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git is there
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
