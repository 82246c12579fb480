"""The plan of a drill, which is written to its journal once and read again on a resume."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

from drill.model import ReviewedPlan
from infra.naming import DEFAULT_PREFIX
from operations.errors import Refused

PHASES: Final = (
    "preflight",
    "baseline",
    "load",
    "inject",
    "detect",
    "decide",
    "switch",
    "measure",
    "verify",
    "failback",
    "reconcile",
    "report",
)
FAULT_PHASES: Final = PHASES[1:-1]
"""Phases that can have a fault. Before them the platform may not exist; after them the drill changes nothing."""
DEFAULT_OBJECTS: Final = 200
DEFAULT_TIME_FACTOR: Final = 4.0
MOST_OBJECTS: Final = 100_000
MOST_TIME_FACTOR: Final = 100.0
ID: Final = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
_SPEC: Final = re.compile(r"(?P<name>[a-z-]+)(?:@(?P<phase>[a-z]+))?")


@dataclass(frozen=True)
class FaultSpec:
    """A requested fault, for example `blackout`, and the phase at whose beginning it is injected."""

    name: str
    phase: str = "inject"

    @classmethod
    def parse(cls, text: str, known: tuple[str, ...]) -> Self:
        """Read `NAME` or `NAME@PHASE`."""
        matched = _SPEC.fullmatch(text)
        name, phase = (matched["name"], matched["phase"] or "inject") if matched else (text, "inject")
        if name not in known:
            raise Refused(
                f"There is no fault {text!r}.", hint=f"Type --fault and one of {', '.join(known)}, as in blackout@inject."
            )
        if phase not in FAULT_PHASES:
            raise Refused(
                f"--fault {text}: a drill has no phase {phase!r} in which a fault can be injected.",
                hint=f"After the @ type one of {', '.join(FAULT_PHASES)}.",
            )
        return cls(name, phase)

    def __str__(self) -> str:
        return f"{self.name}@{self.phase}"


@dataclass(frozen=True)
class Plan:
    """A drill.

    Attributes:
        drill_id: `<YYYYMMDDTHHMMSSZ>-<6 hex digits>`; sorts by time.
        environment: A name in environments.toml.
        faults: The faults, in the order of injection.
        objects: Number of files to upload.
        seed: Determines the content of the files.
        time_factor: Factor by which the clocks of health checks, alarms and TTLs run faster; 1 on AWS.
        mode: `local` or `live`.
        account: With `live`, the id of the account.
        profile: With `live`, the AWS profile.
        operator_profile: With `live`, the AWS profile that assumes the operator's role.
        primary: With `live`, the primary's region.
        secondary: With `live`, the secondary's region.
        control: With `live`, the control region.
        prefix: First part of every name.
        is_protected: Whether a live drill asks for the account before its first fault.
        stop_alarm: With `live`, the name of the alarm that ends every fault at once.
        fis_role: With `live`, the ARN of the role that FIS acts as.
        reviewed: The plan file, if there is one.
    """

    drill_id: str
    environment: str = "prod"
    faults: tuple[FaultSpec, ...] = (FaultSpec("blackout"),)
    objects: int = DEFAULT_OBJECTS
    seed: int = 1
    time_factor: float = DEFAULT_TIME_FACTOR
    mode: str = "local"
    account: str | None = None
    profile: str | None = None
    operator_profile: str | None = None
    primary: str = "us-east-1"
    secondary: str = "us-west-2"
    control: str = "us-west-2"
    prefix: str = DEFAULT_PREFIX
    is_protected: bool = True
    stop_alarm: str | None = None
    fis_role: str | None = None
    reviewed: ReviewedPlan | None = None

    @property
    def source(self) -> str:
        """The `source` of the drill's uploads, which distinguishes its objects from all others."""
        return f"drill-{self.drill_id[-6:]}"

    def faults_of(self, phase: str) -> tuple[FaultSpec, ...]:
        """Return the faults to inject at the beginning of a phase."""
        return tuple(one for one in self.faults if one.phase == phase)

    @property
    def abort_alarms(self) -> tuple[str, ...]:
        """The names of the plan file's abort alarms, with the prefix and the environment of this drill."""
        names = self.reviewed.abort_alarms if self.reviewed else ()
        return tuple(one.replace("{prefix}", self.prefix).replace("{environment}", self.environment) for one in names)

    def target(self, measure: str, usual: float | None) -> float | None:
        """Return the target of a measure in seconds: the plan file's, or else the usual one."""
        return self.reviewed.targets.get(measure, usual) if self.reviewed else usual

    def as_json(self) -> dict[str, Any]:
        """Return the plan as JSON data for `from_json`."""
        reviewed = self.reviewed and self.reviewed.model_dump(mode="json")
        return {**asdict(replace(self, reviewed=None)), "reviewed": reviewed}

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> Self:
        """Read the JSON data of `as_json`."""
        faults = tuple(FaultSpec(**one) for one in held["faults"])
        reviewed = ReviewedPlan.model_validate(held["reviewed"]) if held.get("reviewed") else None
        return cls(**{**held, "faults": faults, "reviewed": reviewed})


def new_id() -> str:
    """Return a new drill's id."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"


def check_numbers(objects: int, time_factor: float) -> None:
    """Check the number of objects and the time factor."""
    if not 0 <= objects <= MOST_OBJECTS:
        raise Refused(f"--objects {objects} is not possible.", hint=f"Type a whole number from 0 to {MOST_OBJECTS}.")
    if not 1 <= time_factor <= MOST_TIME_FACTOR:
        raise Refused(
            f"--time-factor {time_factor:g} is not possible.", hint=f"Type a number from 1 to {MOST_TIME_FACTOR:g}."
        )
