"""Speed of the gate, compared with `cdk synth` with the packs, then cfn-lint, then checkov."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.timing import Command, medians, seconds, take_turns
from infra.app import ENVIRONMENTS
from infra.bundling import REPOSITORY
from infra.cdk_cli import cdk, environment
from infra.settings import settings_from_context

WORK: Final = REPOSITORY / ".build" / "bench"
PEERS: Final = REPOSITORY / ".build" / "bench-venv" / ("Scripts" if os.name == "nt" else "bin")
SCALES: Final = (1, 4, 16)

_FOUND_SOMETHING: Final = tuple(range(16))  # cfn-lint's exit status is a sum of what it found: 2, 4, 8


@dataclass(frozen=True, kw_only=True)
class Result:
    """Measured values; seconds are medians.

    Attributes:
        seconds: By step: `gate`, `cdk synth`, `cfn-lint`, `checkov`.
        ratio: The gate's time over the sum of the plain way's three steps.
        scale: Seconds by number of copies of the two regional templates, with the resources in them.
    """

    seconds: dict[str, float]
    ratio: float
    scale: list[dict[str, float]]

    @property
    def marginal(self) -> tuple[float, float]:
        """Milliseconds for each further resource, from the first scale to the second and from there to the third."""
        (a, b, c) = self.scale
        return _per_resource(a, b), _per_resource(b, c)

    def as_dict(self) -> dict[str, Any]:
        """The result in the form of reports/benchmarks/gate.json."""
        return {
            "seconds": self.seconds,
            "gate_over_plain_way": self.ratio,
            "scale": self.scale,
            "milliseconds_per_further_resource": self.marginal,
        }


def measure(rounds: int, say: Callable[[str], None]) -> Result:
    """Measure the gate and its peers in turns, then the gate alone over more and more templates.

    Raises:
        BenchmarkError: A command failed.
    """
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    times = medians(take_turns(_commands(), REPOSITORY, rounds=rounds, say=say))
    plain = sum(taken for name, taken in times.items() if name != "gate")
    return Result(seconds=times, ratio=round(times["gate"] / plain, 3), scale=_scale(rounds, say))


def _commands() -> list[Command]:
    assembly = WORK / "cdk.out"
    variables = environment(os.environ)
    # The plain way validates as the CDK does by default.
    plain = {name: value for name, value in variables.items() if name != "CDK_VALIDATION"}
    app = f"{sys.executable} -m benchmarks.plain_app"
    templates = str(assembly / "*.template.json")
    settings = settings_from_context({}, ENVIRONMENTS)
    gate = [sys.executable, "-m", "compliance", "--environment", settings.environment, "--output", str(WORK / "reports")]
    return [
        Command(name="gate", arguments=gate, variables=variables),
        Command(
            name="cdk synth",
            arguments=cdk("synth", "--quiet", "--app", app, "--output", str(assembly)),
            variables=plain,
            allowed=(0, 1),  # it finds what our decisions acknowledge
        ),
        Command(name="cfn-lint", arguments=[str(PEERS / "cfn-lint"), templates], variables=plain, allowed=_FOUND_SOMETHING),
        Command(
            name="checkov",
            arguments=[
                *(str(PEERS / "checkov"), "--directory", str(assembly), "--framework", "cloudformation"),
                *("--compact", "--quiet", "--skip-download"),
            ],
            variables=plain,
            allowed=(0, 1),
        ),
    ]


def _scale(rounds: int, say: Callable[[str], None]) -> list[dict[str, float]]:
    settings = settings_from_context({}, ENVIRONMENTS)
    regional = [WORK / "cdk.out" / f"{name}Regional.template.json" for name in ("Primary", "Secondary")]
    resources = sum(len(json.loads(file.read_text("utf-8"))["Resources"]) for file in regional)
    rows = []
    for copies in SCALES:
        arguments = [sys.executable, "-m", "compliance", "--environment", settings.environment]
        arguments += ["--output", str(WORK / "scale")]
        for number in range(copies):
            for file, region in zip(regional, settings.regions, strict=True):
                copy = WORK / f"copy-{number}-{file.name}"
                shutil.copyfile(file, copy)
                arguments += ["--template", f"{copy}@{region}"]
        # A template alone has findings that its neighbours would answer.
        command = Command(name="gate", arguments=arguments, variables=environment(os.environ), allowed=(0, 1))
        taken = []
        for number in range(rounds):
            say(f"{copies} x the regional templates, round {number + 1} of {rounds}")
            taken.append(seconds(command, REPOSITORY))
        rows.append({"copies": copies, "resources": copies * resources, "seconds": medians({"gate": taken})["gate"]})
    return rows


def _per_resource(less: dict[str, float], more: dict[str, float]) -> float:
    return round(1000 * (more["seconds"] - less["seconds"]) / (more["resources"] - less["resources"]), 2)
