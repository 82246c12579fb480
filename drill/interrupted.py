"""What an interrupted drill has put right, by its journal: nothing is said to be done that is not written there."""

from __future__ import annotations

from typing import Final

from drill import fault_control
from drill.journal import Journal

NOT_ROLLED_BACK: Final = "not rolled back"
"""How a failure begins that the roll back had."""


def said(journal: Journal, drill_id: str, *, cloud_is_there: bool) -> str:
    """Say what was done, and what to type for the rest.

    Args:
        journal: The drill's.
        drill_id: Its id.
        cloud_is_there: Whether its local cloud still runs.
    """
    if not journal.entries:
        return "Interrupted; nothing was begun."
    ended = journal.last("drill ended")
    is_ended = ended is not None
    problems = [why for entry in journal.of("phase failed") if (why := str(entry.data["why"])).startswith(NOT_ROLLED_BACK)]
    lines = [_faults(journal), _register(journal, rolled_back=is_ended and not problems), *problems]
    lines.append(f"it is reported as {str(ended.data['verdict']).lower()}" if ended else "it is not reported yet")
    lines += ["its local cloud still runs"] if cloud_is_there else []
    rest = "" if is_ended and not cloud_is_there else f" For the rest type: python -m drill abort {drill_id}"
    return f"Drill {drill_id} was interrupted: {'; '.join(lines)}.{rest}"


def _faults(journal: Journal) -> str:
    there = fault_control.active_faults(journal)
    if there:
        return f"{', '.join(there)} may still be there"
    return "every fault was healed" if journal.last("fault injecting") else "no fault was injected"


def _register(journal: Journal, *, rolled_back: bool) -> str:
    """The secondary is promoted after the decision: whether that was done is not known if the drill ended in between."""
    if journal.moment("decided") is None:
        return "nothing was promoted"
    is_back = journal.moment("failed_back") is not None or rolled_back
    return "the primary is active" if is_back else "the secondary may still be active"
