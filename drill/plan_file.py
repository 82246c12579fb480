"""Read a drill plan from a TOML file, which is reviewed before the drill and quoted in its report."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drill.faults import FAULTS
from drill.measures import TARGETS
from drill.model import ReviewedPlan
from drill.plan import DEFAULT_OBJECTS, DEFAULT_TIME_FACTOR, MOST_OBJECTS, MOST_TIME_FACTOR, FaultSpec
from drill.sampler import MOST_ALARMS
from operations.command_line import short
from operations.errors import Refused

_Text = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]
_Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class PlanFile(BaseModel):
    """The keys of a plan file; docs/drill.md describes each."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    hypothesis: _Text
    watcher: _Text
    approvers: Annotated[list[_Text], Field(min_length=1)]
    faults: Annotated[list[str], Field(min_length=1)]
    environment: _Text | None = None
    objects: Annotated[int, Field(ge=0, le=MOST_OBJECTS)] = DEFAULT_OBJECTS
    seed: int = 1
    time_factor: Annotated[float, Field(ge=1, le=MOST_TIME_FACTOR, allow_inf_nan=False)] = DEFAULT_TIME_FACTOR
    abort_alarms: Annotated[list[_Text], Field(max_length=MOST_ALARMS)] = []
    targets: dict[str, _Seconds] = {}

    @property
    def specs(self) -> tuple[FaultSpec, ...]:
        """The faults."""
        return tuple(FaultSpec.parse(one, tuple(FAULTS)) for one in self.faults)


def read(path: Path) -> tuple[PlanFile, ReviewedPlan]:
    """Read a plan file; return its keys, and what the report quotes.

    Raises:
        Refused: The file cannot be read, is no TOML, or a key is unknown, is missing or has a value that is not allowed.
    """
    try:
        content = path.read_bytes()
        found = PlanFile.model_validate(tomllib.loads(content.decode()))
        _check_targets(found)
        assert found.specs  # noqa: S101 - an unknown fault is refused
    except (OSError, ValueError, Refused) as error:
        hint = f"{error.hint} " if isinstance(error, Refused) else ""
        raise Refused(
            f"--plan {path}: {_problems(error)}",
            hint=f"{hint}Nothing was started. drill/plans/blackout.toml is an example.",
        ) from error
    return found, ReviewedPlan(
        file=str(short(path.resolve())),
        sha256=hashlib.sha256(content).hexdigest(),
        hypothesis=found.hypothesis,
        watcher=found.watcher,
        approvers=tuple(found.approvers),
        abort_alarms=tuple(found.abort_alarms),
        targets=found.targets,
    )


def _check_targets(found: PlanFile) -> None:
    unknown = [name for name in found.targets if name not in TARGETS]
    if unknown:
        raise Refused(
            f"targets.{unknown[0]} = {found.targets[unknown[0]]:g}: the drill measures no such duration; "
            f"it measures {', '.join(TARGETS)}."
        )


def _problems(error: Exception) -> str:
    match error:
        case ValidationError():
            return "; ".join(_problem(dict(one)) for one in error.errors(include_url=False)) + "."
        case tomllib.TOMLDecodeError():
            return f"it is no TOML: {error}."
        case UnicodeDecodeError():
            return "it is no UTF-8 text."
        case OSError():
            return f"{error.strerror or error}."
        case _:
            return str(error)


def _problem(found: dict[str, object]) -> str:
    where = ".".join(map(str, found["loc"]))  # type: ignore[call-overload]
    if found["type"] == "extra_forbidden":
        return f"there is no key {where}; the keys are {', '.join(PlanFile.model_fields)}"
    if found["type"] == "missing":
        return f"the key {where} is missing"
    message = str(found["msg"])
    return f"{where} = {found['input']!r}: {message[:1].lower()}{message[1:]}"
