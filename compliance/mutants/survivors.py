"""Read survivors.toml, the explanations of damages that may pass the gate, and find those that are not needed."""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from compliance.mutants.mutant import Mutant

DEFAULT_FILE: Final = Path(__file__).parent / "survivors.toml"

_LISTS: Final = ("types", "operators", "places", "resources")
_KEYS: Final = {"types", "operators", "places", "reason"}
_OPTIONAL: Final = {"resources"}
_MINIMUM_REASON: Final = 20
_SHOWN: Final = 60


class SurvivorsError(Exception):
    """Raised when the file of explained survivors cannot be read, or an entry is malformed."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The reason why a kind of damage may pass the gate.

    Attributes:
        types: Patterns of resource types, for example `AWS::Lambda::*`.
        operators: Names of operators, or `*`.
        places: Patterns of places, for example `Properties.MemorySize`; a position in a list is `*`.
        reason: At least 20 characters.
        resources: Patterns of logical ids; all by default.
    """

    types: tuple[str, ...]
    operators: tuple[str, ...]
    places: tuple[str, ...]
    reason: str
    resources: tuple[str, ...] = ("*",)

    def covers(self, mutant: Mutant) -> bool:
        """Return whether this explanation covers a mutant."""
        return all(any(fnmatchcase(value, each) for each in patterns) for patterns, value in self._asked(mutant))

    def unneeded(self, survivors: Sequence[Mutant]) -> list[str]:
        """Return its patterns that none of the survivors needs."""
        covered = [self._asked(mutant) for mutant in survivors if self.covers(mutant)]
        values = [{value for _, value in column} for column in zip(*covered, strict=True)] or [set[str]()] * len(_LISTS)
        lists = (self.types, self.operators, self.places, self.resources)
        return [
            each
            for patterns, found in zip(lists, values, strict=True)
            for each in patterns
            if not any(fnmatchcase(value, each) for value in found)
        ]

    def _asked(self, mutant: Mutant) -> list[tuple[tuple[str, ...], str]]:
        """Yield each pattern list with the value of the mutant that it must match."""
        return [
            (self.types, mutant.resource_type),
            (self.operators, mutant.operator),
            (self.places, mutant.place),
            (self.resources, mutant.logical_id),
        ]


def read_explanations(file: Path) -> tuple[Explanation, ...]:
    """Read the explained survivors.

    Raises:
        SurvivorsError: It cannot be read, or an entry is wrong.
    """
    return tuple(_explanation(file, number, entry) for number, entry in enumerate(_read(file).get("survivor", []), start=1))


def read_rules_without_mutants(file: Path) -> dict[str, str]:
    """Read the qualified ids of our rules that no mutant can show to work, each with the reason.

    Raises:
        SurvivorsError: It cannot be read, is no table, or a reason is too short.
    """
    held = _read(file).get("rules_without_mutants", {})
    if not isinstance(held, dict):
        raise SurvivorsError(
            f"{file}: rules_without_mutants is no table; write one line for each rule: its id and the reason"
        )
    for rule, reason in held.items():
        if not isinstance(reason, str) or len(reason) < _MINIMUM_REASON:
            raise SurvivorsError(f"{file}: {rule}: write a reason of at least {_MINIMUM_REASON} characters")
    return held


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SurvivorsError(f"{file}: {error}") from error


def stale(explanations: Iterable[Explanation], survivors: Sequence[Mutant]) -> list[str]:
    """Return the entries and patterns that no survivor needs and that can be deleted."""
    found = []
    for explanation in explanations:
        entry = f"the entry {explanation.reason[:_SHOWN]!r}"
        if not any(map(explanation.covers, survivors)):
            found.append(entry)
        else:
            found += [f"{pattern!r} of {entry}" for pattern in explanation.unneeded(survivors)]
    return found


def _explanation(file: Path, number: int, entry: object) -> Explanation:
    if not isinstance(entry, dict) or set(entry) - _OPTIONAL != _KEYS:
        raise SurvivorsError(
            f"{file}: entry {number} has other keys; write exactly {', '.join(sorted(_KEYS))}, and resources if needed"
        )
    reason = " ".join(str(entry["reason"]).split())
    if len(reason) < _MINIMUM_REASON:
        raise SurvivorsError(f"{file}: entry {number}: the reason is too short; write at least {_MINIMUM_REASON} characters")
    lists = {key: entry[key] for key in _LISTS if key in entry}
    for key, values in lists.items():
        if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
            raise SurvivorsError(f"{file}: entry {number}: {key} is not a list of texts; write at least one text")
    return Explanation(**{key: tuple(values) for key, values in lists.items()}, reason=reason)
