"""Read responsibility.toml: who answers for a control that no rule decides, or why it does not apply."""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

from compliance.controls.catalogue import Framework

_FILE: Final = Path(__file__).parent / "responsibility.toml"


class Kind(StrEnum):
    """Who decides a control that is not automated."""

    INHERITED = "inherited"
    PROCEDURAL = "procedural"
    NOT_APPLICABLE = "not applicable"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Responsibility:
    """An entry of responsibility.toml.

    Attributes:
        kind: See Kind.
        frameworks: The frameworks that the patterns are about.
        controls: Patterns of control ids.
        reason: Why AWS answers for the controls, or why they do not apply.
        owner: Who answers for a procedure.
        evidence: Where the evidence is.
        absent: Patterns of resource types; the entry holds while no judged template has one of them.
    """

    kind: Kind
    frameworks: tuple[Framework, ...]
    controls: tuple[str, ...]
    reason: str = ""
    owner: str = ""
    evidence: str = ""
    absent: tuple[str, ...] = ()


@cache
def entries() -> tuple[Responsibility, ...]:
    """Return the entries in the order of the file, then one for each service of `services`."""
    document = tomllib.loads(_FILE.read_text("utf-8"))
    services = [
        {
            "kind": Kind.NOT_APPLICABLE,
            "frameworks": [framework],
            "controls": [f"{prefix}.*"],
            "absent": [pattern],
            "reason": f"No template has a resource of the type {pattern}.",
        }
        for framework, patterns in document["services"].items()
        for prefix, pattern in patterns.items()
    ]
    return tuple(_read(entry) for entry in (*document["entry"], *services))


def responsible(framework: Framework, control: str, types: Collection[str], *, ours: bool) -> Responsibility | None:
    """Return the first entry about a control that holds; None where none does.

    Args:
        framework: The control's framework.
        control: Its id.
        types: The resource types of the judged templates.
        ours: Whether the templates are the platform's. What its organization does, and what it has not, excuses no other.
    """
    for entry in _about(framework, control):
        if not ours and not entry.absent and entry.kind in {Kind.PROCEDURAL, Kind.NOT_APPLICABLE}:
            continue
        if not any(fnmatchcase(kind, pattern) for pattern in entry.absent for kind in types):
            return entry
    return None


@cache
def _about(framework: Framework, control: str) -> tuple[Responsibility, ...]:
    return tuple(
        entry
        for entry in entries()
        if framework in entry.frameworks and any(fnmatchcase(control, pattern) for pattern in entry.controls)
    )


def _read(entry: dict[str, Any]) -> Responsibility:
    lists = {name: tuple(value) for name, value in entry.items() if isinstance(value, list)}
    frameworks = tuple(map(Framework, entry["frameworks"]))
    return Responsibility(**{**entry, **lists, "kind": Kind(entry["kind"]), "frameworks": frameworks})
