"""Test the sabotages: each fits the product's current code, and the changed code runs."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError
from rich.console import Console

from client import State
from client.platform import Known
from client.platform import Platform as ClientPlatform
from drill import sampler, self_test
from drill.model import DrillReport, Measure, PhaseRecord, Sample, Verdict
from drill.plan import Plan
from drill.sabotages import ALL, Code, Sabotage
from operations.errors import RunFailure
from operations.register import Promotion, Register

CHECKOUT = Path(__file__).parents[2]
REGIONS = ("us-east-1", "us-west-2")
PLAN = Plan(drill_id="20260101T000000Z-abcdef")


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
    assert bool(changed) is (sabotage.here is None)
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


@pytest.mark.parametrize(("failing", "deployed"), [(0, 8), (4, 8), (5, None)])
def test_busy_cloud_is_asked_again_for_a_change(platform: Any, failing: int, deployed: int | None) -> None:  # noqa: ANN401
    left = [failing]
    usual = platform.client

    def client(service: str, region: str) -> Any:  # noqa: ANN401 - a boto3 client
        left[0] -= 1
        if left[0] >= 0:
            raise ConnectionClosedError(endpoint_url="http://127.0.0.1")
        return usual(service, region)

    platform.client = client
    if deployed is None:
        with pytest.raises(RunFailure, match="The code of processor in us-east-1 could not be changed"):
            Code(platform)._deploy(b"")  # noqa: SLF001 - one change
        return
    with Code(platform).sabotaged(ALL[0]):
        pass
    assert len(platform.deployed) == deployed


def test_sabotage_that_does_not_fit_is_refused(platform: Any) -> None:  # noqa: ANN401
    odd = Sabotage("odd", "", {"handlers/processor/store.py": (("no such text", ""),)})
    with pytest.raises(RunFailure, match="does not fit"), Code(platform).sabotaged(odd):
        raise AssertionError("unreachable")


def test_sabotaged_sampler_gives_zeros_and_is_restored(platform: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    samples = [Sample(seconds=1, region="us-east-1", queue_depth=7, shadow_age=2.5)]
    monkeypatch.setattr(sampler.Sampler, "_round", lambda *_: samples)
    looking: Any = None
    (sabotage,) = (one for one in ALL if one.here and one.here.owner is sampler.Sampler)
    with Code(platform).sabotaged(sabotage):
        (zero,) = sampler.Sampler._round(looking, {})  # noqa: SLF001 - it is sabotaged
        assert (zero.queue_depth, zero.shadow_age, zero.replication_lag) == (0, 0, None)
    assert sampler.Sampler._round(looking, {}) == samples  # noqa: SLF001 - likewise


def test_self_test_counts_the_drills_until_a_conviction() -> None:
    verdicts = iter([Verdict.PASSED, Verdict.NOT_ALL_MEASURED, Verdict.VOID])
    begun = PhaseRecord(name="baseline", status="done")

    def drill(*_: object, **__: object) -> DrillReport:
        return DrillReport.model_construct(verdict=next(verdicts), reasons=("a reason",), measures=(), phases=(begun,))

    cloud: Any = SimpleNamespace(drill=drill)
    outcome = self_test._drill(Console(quiet=True), PLAN, cloud, Sabotage("odd", "reason"), most=3)  # noqa: SLF001 - one sabotage
    assert (outcome.drills, outcome.convicted, outcome.reason) == (3, True, "a reason")


@pytest.mark.parametrize(("survivor", "is_right"), [("", True), (ALL[1].name, False), ("the unchanged product", False)])
def test_self_test_reports_each_sabotage_and_fails_for_a_survivor(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    survivor: str,
    is_right: bool,  # noqa: FBT001 - a table's column
) -> None:
    def drill(_console: object, _plan: object, _cloud: object, sabotage: Sabotage, *, most: int) -> self_test.Outcome:
        name = sabotage.name
        convicted = (name != "the unchanged product") is not (name == survivor)
        (tmp_path / "x").mkdir(exist_ok=True)
        return self_test.Outcome(name, most, convicted, "a | reason", 1.0)

    cloud: Any = SimpleNamespace(deployment=None, clean=lambda: None)
    monkeypatch.setattr(self_test, "SharedCloud", lambda *_: contextlib.nullcontext(cloud))
    monkeypatch.setattr(self_test, "Code", lambda _: SimpleNamespace(sabotaged=lambda _: contextlib.nullcontext()))
    monkeypatch.setattr(self_test, "FOLDER", tmp_path)
    monkeypatch.setattr(self_test, "new_id", lambda: "x")
    monkeypatch.setattr(self_test, "_drill", drill)
    assert self_test.run(Console(quiet=True), PLAN, ALL[:2]) is is_right
    rows = (tmp_path / "x" / "summary.md").read_text("utf-8").splitlines()[4:]
    assert len(rows) == (1 if survivor == "the unchanged product" else 3)
    assert rows[-1].endswith(r"| a \| reason |")


def test_sabotaged_promotion_reports_an_epoch_and_writes_nothing(
    platform: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Promotion(REGIONS[1], 4, REGIONS[0], already=False)
    monkeypatch.setattr(Register, "standing", lambda _: held)
    (sabotage,) = (one for one in ALL if one.here and one.here.owner is Register)
    register = Register.__new__(Register)
    with Code(platform).sabotaged(sabotage):
        assert register.promote() == Promotion(REGIONS[1], 5, REGIONS[0], already=False)


def test_sabotaged_client_notes_what_it_is_answered_as_durable(
    platform: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([Known(State.ACCEPTED, REGIONS[0]), Known(None, REGIONS[0])])
    monkeypatch.setattr(ClientPlatform, "state", lambda *_: next(answers))
    (sabotage,) = (one for one in ALL if one.here and one.here.owner is ClientPlatform)
    client: Any = ClientPlatform.__new__(ClientPlatform)
    with Code(platform).sabotaged(sabotage):
        assert [client.state(None, None).durable for _ in range(2)] == [True, False]


def test_late_measure_of_a_busy_machine_convicts_nothing() -> None:
    late = Measure(name="a", title="Backlog", seconds=99.0, target_seconds=30.0, met=False)
    begun = PhaseRecord(name="baseline", status="done")
    reasons = ("2 objects lost", "Backlog: 99.0 s, the target is 30 s")
    report = DrillReport.model_construct(verdict=Verdict.FAILED, measures=(late,), phases=(begun,), reasons=reasons)
    assert self_test._convicting(report, "objects") == ["2 objects lost"]  # noqa: SLF001 - the rule
    assert self_test._convicting(report.model_copy(update={"reasons": reasons[1:]}), "") == []  # noqa: SLF001 - likewise
    assert self_test._convicting(report, "archive") == []  # noqa: SLF001 - likewise
    unbegun = report.model_copy(update={"phases": (PhaseRecord(name="baseline", status="not begun"),)})
    assert self_test._convicting(unbegun, "") == []  # noqa: SLF001 - likewise


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (ALL[0].name, "9 objects that us-west-2 holds, which is active, are not settled there, and 0 messages wait there."),
        (ALL[1].name, "6 objects that us-west-2 holds, which is active, are not settled there, and 0 messages wait there."),
        (
            ALL[1].name,
            "2 objects lost in us-west-2 while the other region is lost, for example 9f in archive us-west-2: it is",
        ),
        (ALL[2].name, "1 durable objects are not in us-west-2 while the other region is lost"),
        (
            ALL[3].name,
            "2 objects lost in us-west-2 while the other region is lost, for example 38 in archive us-west-2: its 2",
        ),
        (
            ALL[4].name,
            "19 objects divergent in us-west-2 while the other region is lost, for example 14 in receipts: no valid key",
        ),
        (
            ALL[5].name,
            "the samples show an empty queue in us-west-2 when SQS held 10 messages (fault): the curves contradict",
        ),
        (ALL[6].name, "2 objects that us-west-2 holds, which is active, are not settled there, and 0 messages wait there."),
        (ALL[8].name, "RESULT of ab counts 2500 records and was written in us-east-1 when 0 were there"),
        (
            ALL[10].name,
            "The promotion of us-west-2 reported epoch 5, and the table there holds the claims {'us-east-1': 4}.",
        ),
    ],
)
def test_reason_of_a_real_drill_convicts_and_no_other_does(name: str, reason: str) -> None:
    (sabotage,) = (one for one in ALL if one.name == name)
    begun = PhaseRecord(name="baseline", status="done")
    late = "1 of 1 files were not uploaded; the first, drill-5c54a7/000022.json: no region accepted it in 123 s and 18 tries"
    report = DrillReport.model_construct(verdict=Verdict.FAILED, measures=(), phases=(begun,), reasons=(late, reason))
    assert self_test._convicting(report, sabotage.expected) == [reason]  # noqa: SLF001 - the rule
