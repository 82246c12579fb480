"""Speed of the drill's proof over many rows, compared with a simple comparison of five sets of ids."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.proof_once import TAMPERED
from benchmarks.proof_world import REGIONS, ROWS_AN_OBJECT
from benchmarks.timing import BenchmarkError, measured_apart

TARGET_SECONDS: Final = 300
_STEPS: Final = {
    "pages": "make the pages, look at none",
    "sets": "five sets of ids, compared",
    "proof": "the proof",
    "tampered": f"the proof, {TAMPERED} objects tampered with",
}


@dataclass(frozen=True, kw_only=True)
class Result:
    """Measured values; each step ran in a separate process.

    Attributes:
        objects: Uploads.
        steps: Values by step: `seconds` of the clock, `cpu_seconds` of the process, and `peak_bytes` beyond an empty
            process.
    """

    objects: int
    steps: dict[str, dict[str, float]]

    @property
    def rows(self) -> int:
        """Rows of the two replicas."""
        return self.objects * ROWS_AN_OBJECT * len(REGIONS)

    @property
    def is_in_time(self) -> bool:
        """Whether the proof kept to its target."""
        return self.steps["proof"]["seconds"] <= TARGET_SECONDS

    def as_dict(self) -> dict[str, Any]:
        """The result in the form of reports/benchmarks/proof.json."""
        proof, sets = self.steps["proof"], self.steps["sets"]
        return {
            "objects": self.objects,
            "rows": self.rows,
            "versions": self.objects * len(REGIONS),
            "receipts": self.objects,
            "steps": self.steps,
            "rows_per_second": round(self.rows / proof["seconds"]),
            "rows_per_cpu_second": round(self.rows / proof["cpu_seconds"]),
            "proof_over_sets_cpu_seconds": round(proof["cpu_seconds"] / sets["cpu_seconds"], 2),
            "proof_over_sets_memory": round(proof["peak_bytes"] / sets["peak_bytes"], 2),
            "target_seconds": TARGET_SECONDS,
            "is_in_time": self.is_in_time,
            "not_in_it": "the network, DynamoDB's and S3's own time, and botocore's parsing of their answers",
        }

    def lines(self) -> list[tuple[str, ...]]:
        """Step, seconds by the clock and of the processor, and peak of memory, to be shown."""
        return [
            (
                title,
                f"{self.steps[name]['seconds']:.1f}",
                f"{self.steps[name]['cpu_seconds']:.1f}",
                f"{self.steps[name]['peak_bytes'] / 2**20:.0f}",
            )
            for name, title in _STEPS.items()
        ]


def measure(objects: int, say: Callable[[str], None]) -> Result:
    """Measure each step once.

    Raises:
        BenchmarkError: A step failed, found a wrong result, or was too short to measure.
    """
    steps = {}
    for name, title in _STEPS.items():
        say(f"{title}: {objects} objects")
        steps[name] = _step(name, objects)
    if not all(measured for name in ("proof", "sets") for measured in steps[name].values()):
        raise BenchmarkError(f"{objects} objects are too few for a ratio; try --objects 10000")
    return Result(objects=objects, steps=steps)


def _step(name: str, objects: int) -> dict[str, float]:
    result = measured_apart("benchmarks.proof_once", name, str(objects))
    wrong = min(TAMPERED, objects) if name == "tampered" else 0
    if (result["objects"], result["wrong"], result["equal"]) != (objects, wrong, not wrong):
        raise BenchmarkError(f"{name} reports {result}; there are {objects} objects, and {wrong} of them are tampered with")
    return {measure: result[measure] for measure in ("seconds", "cpu_seconds", "peak_bytes")}
