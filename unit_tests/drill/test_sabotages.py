"""Test the sabotages: each fits the product's current code, and the changed code runs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from drill import sampler, self_test
from drill.model import DrillReport, Measure, PhaseRecord, Sample, Verdict
from drill.plan import Plan
from drill.sabotages import ALL, Code, Sabotage
from operations.errors import RunFailure

CHECKOUT = Path(__file__).parents[2]
REGIONS = ("us-east-1", "us-west-2")


class Platform:
    """A deployment whose assembly has the handlers, and which records the deployed code."""

    def __init__(self, folder: Path) -> None:
        asset = folder / "asset.0"
        asset.mkdir(parents=True)
        (asset / "handlers").symlink_to(CHECKOUT / "handlers")
        for file in (CHECKOUT / "handlers").rglob("*.py"):
            copy = folder / "asset.1" / file.relative_to(CHECKOUT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
        (asset / "handlers").unlink()
        self.deployed: list[tuple[str, str, bytes]] = []
        self.target = SimpleNamespace(templates=str(folder), regions=REGIONS)
        self.regional = {one: {"ProcessorFunctionName": "processor", "IssuerFunctionName": "issuer"} for one in REGIONS}

    def client(self, _service: str, region: str) -> Any:  # noqa: ANN401 - a boto3 client
        return SimpleNamespace(
            update_function_code=lambda *, FunctionName, ZipFile: self.deployed.append((region, FunctionName, ZipFile))  # noqa: N803
        )


@pytest.fixture
def platform(tmp_path: Path) -> Any:  # noqa: ANN401 - stands for a deployment
    return Platform(tmp_path)


@pytest.mark.parametrize("sabotage", ALL, ids=lambda one: one.name)
def test_sabotage_fits_the_current_code_and_is_python(platform: Any, sabotage: Sabotage) -> None:  # noqa: ANN401
    changed = Code(platform)._changed(sabotage)  # noqa: SLF001 - what is deployed
    assert bool(changed) is not sabotage.of_sampler
    for file, content in changed.items():
        compile(content, file, "exec")
        assert content != (CHECKOUT / file).read_bytes()


def test_sabotage_is_deployed_everywhere_and_taken_back(platform: Any) -> None:  # noqa: ANN401
    code = Code(platform)
    with code.sabotaged(ALL[0]):
        sabotaged = [content for *_, content in platform.deployed]
        assert {(region, name) for region, name, _ in platform.deployed} == {
            (region, name) for region in REGIONS for name in ("processor", "issuer")
        }
    restored = [content for *_, content in platform.deployed[4:]]
    assert len(set(sabotaged)) == len(set(restored)) == 1
    assert sabotaged[0] != restored[0]


def test_sabotage_that_does_not_fit_is_refused(platform: Any) -> None:  # noqa: ANN401
    odd = Sabotage("odd", {"handlers/processor/store.py": (("no such text", ""),)})
    with pytest.raises(RunFailure, match="does not fit"), Code(platform).sabotaged(odd):
        raise AssertionError("unreachable")


def test_sabotaged_sampler_gives_zeros_and_is_restored(platform: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    samples = [Sample(seconds=1, region="us-east-1", queue_depth=7, shadow_age=2.5)]
    monkeypatch.setattr(sampler.Sampler, "_round", lambda *_: samples)
    looking: Any = None
    (sabotage,) = (one for one in ALL if one.of_sampler)
    with Code(platform).sabotaged(sabotage):
        (zero,) = sampler.Sampler._round(looking, {})  # noqa: SLF001 - it is sabotaged
        assert (zero.queue_depth, zero.shadow_age, zero.replication_lag) == (0, 0, None)
    assert sampler.Sampler._round(looking, {}) == samples  # noqa: SLF001 - likewise


def test_self_test_counts_the_drills_until_a_conviction(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = iter([Verdict.PASSED, Verdict.NOT_ALL_MEASURED, Verdict.VOID])
    monkeypatch.setattr(self_test, "_was_drilled", lambda _: True)
    monkeypatch.setattr(
        self_test,
        "_one",
        lambda *_, **__: DrillReport.model_construct(verdict=next(verdicts), reasons=("a reason",), measures=()),
    )
    plan: Any = Plan(drill_id="20260101T000000Z-abcdef")
    holder: Any = None
    quiet = Console(quiet=True)
    outcome = self_test._drill(quiet, plan, holder, "odd", most=3)  # noqa: SLF001 - one sabotage
    assert (outcome.drills, outcome.convicted, outcome.reason) == (3, True, "a reason")


def test_late_measure_of_a_busy_machine_convicts_nothing() -> None:
    late = Measure(name="a", title="Backlog", seconds=99.0, target_seconds=30.0, met=False)
    begun = PhaseRecord(name="baseline", status="done")
    reasons = ("2 objects lost", "Backlog: 99.0 s, the target is 30 s")
    report = DrillReport.model_construct(verdict=Verdict.FAILED, measures=(late,), phases=(begun,), reasons=reasons)
    assert self_test._convicting(report) == ["2 objects lost"]  # noqa: SLF001 - the rule
    assert self_test._convicting(report.model_copy(update={"reasons": reasons[1:]})) == []  # noqa: SLF001 - likewise
    unbegun = report.model_copy(update={"phases": (PhaseRecord(name="baseline", status="not begun"),)})
    assert self_test._convicting(unbegun) == []  # noqa: SLF001 - likewise
