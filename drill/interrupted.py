"""Describe how an interrupted drill was rolled back, according to its journal, and what to type next."""

from __future__ import annotations

from typing import Final

from drill import fault_control
from drill.folder import DrillFolder
from drill.journal import Journal
from drill.targets import supervisor

NOT_ROLLED_BACK: Final = "not rolled back"
"""Prefix of a failure of the rollback."""


def describe(journal: Journal, drill_id: str, *, cloud_is_there: bool) -> str:
    """Return a text on what was rolled back, and on what to type for the rest."""
    if not journal.entries:
        return "Interrupted; nothing was started."
    ended = journal.last("drill ended")
    is_ended = ended is not None
    problems = [why for entry in journal.of("phase failed") if (why := str(entry.data["why"])).startswith(NOT_ROLLED_BACK)]
    lines = [_faults(journal), _register(journal, rolled_back=is_ended and not problems), *problems]
    lines.append(f"it is reported as {str(ended.data['verdict']).lower()}" if ended else "it is not reported yet")
    lines += ["its local cloud still runs"] if cloud_is_there else []
    rest = "" if is_ended and not cloud_is_there else f" To finish the rollback, type: lockstep drill abort {drill_id}"
    return f"Drill {drill_id} was interrupted: {'; '.join(lines)}.{rest}"


def _faults(journal: Journal) -> str:
    there = fault_control.active_faults(journal)
    if there:
        return f"{', '.join(there)} may still be active"
    return "every fault was healed" if journal.last("fault injecting") else "no fault was injected"


def _register(journal: Journal, *, rolled_back: bool) -> str:
    """Describe which region is active. After the decision the secondary may be promoted, even without an entry on it."""
    if journal.moment("decided") is None:
        return "nothing was promoted"
    is_back = journal.moment("failed_back") is not None or rolled_back
    return "the primary is active" if is_back else "the secondary may still be active"


def next_step(folder: DrillFolder, *, is_ended: bool) -> str:
    """Return whether a drill has ended, runs or was interrupted, and what to type next."""
    name = folder.path.name
    if is_ended:
        return "The drill has ended."
    if folder.is_held:
        return "The drill is running."
    if folder.target.exists() and supervisor.attach(folder) is None:
        return (
            f"The drill was interrupted, and its local cloud has ended: {supervisor.why_ended(folder)} "
            f"To report it as failed, type: lockstep drill resume {name}"
        )
    return f"The drill was interrupted. To continue it, type: lockstep drill resume {name} (or abort)"


def after_failure(folder: DrillFolder) -> str:
    """Return what to type after a failure to write. Without its folder a drill can be neither resumed nor aborted."""
    if not folder.journal.exists():
        return "The drill's folder is gone, so it cannot be resumed. To start another, type: lockstep drill run"
    return f"The drill has stopped. Correct that, and type: lockstep drill resume {folder.path.name} (or abort)"
