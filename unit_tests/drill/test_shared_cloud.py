"""Test the cloud that several drills share: it is deployed once, again after a destroyed region, and cleaned in between."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drill import runner, shared_cloud
from drill.folder import DrillFolder
from drill.journal import Journal
from drill.model import DrillReport, PhaseRecord
from drill.plan import FaultSpec, Plan
from drill.shared_cloud import SharedCloud
from drill.targets import supervisor
from operations.deployment import Deployment

PLAN = Plan(drill_id="20260101T000000Z-abcdef", faults=(FaultSpec("blackout"),))


class Clouds:
    """Stands for supervisors and drills, and records what is started, drilled and stopped."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.runs = False
        self.unfit = 0
        monkeypatch.setattr(supervisor, "ensure", self._ensure)
        monkeypatch.setattr(supervisor, "attach", lambda _: object() if self.runs else None)
        monkeypatch.setattr(supervisor, "stop", self._stop)
        monkeypatch.setattr(Deployment, "read", lambda _: object())
        monkeypatch.setattr(runner, "resume", self._resume)
        monkeypatch.setattr(shared_cloud, "_PAUSE_SECONDS", 0.0)

    def _ensure(self, folder: DrillFolder, *_: object) -> Any:  # noqa: ANN401 - a supervisor
        folder.alive.touch()
        self.done.append("deploy")
        self.runs = True
        return SimpleNamespace(target=None)

    def _stop(self, _: DrillFolder) -> None:
        self.done.append("stop")
        self.runs = False

    def _resume(self, folder: DrillFolder, *_: object, **__: object) -> DrillReport:
        assert self.runs
        plan = runner.plan_of(Journal(folder.journal))
        self.done.append(plan.faults[0].name)
        if plan.faults[0].name == "destroy":
            Journal(folder.journal).append("inject", "fault injecting", fault="destroy@inject", name="destroy")
        self.unfit -= 1
        status = "failed" if self.unfit >= 0 else "done"
        return DrillReport.model_construct(phases=(PhaseRecord(name="baseline", status=status),), drill_id=plan.drill_id)


@pytest.fixture
def clouds(monkeypatch: pytest.MonkeyPatch) -> Clouds:
    return Clouds(monkeypatch)


def test_drills_share_a_deployment_until_a_region_is_destroyed(clouds: Clouds, tmp_path: Path) -> None:
    with SharedCloud(PLAN, tmp_path, tmp_path / "holder") as cloud:
        ids = {
            cloud.drill(Plan(drill_id=PLAN.drill_id, faults=(FaultSpec(name),))).drill_id
            for name in ("grey", "lag", "destroy", "destroy")
        }
    assert clouds.done == ["deploy", "grey", "lag", "destroy", "stop", "deploy", "destroy", "stop", "stop"]
    assert len(ids) == 4


@pytest.mark.parametrize(("unfit", "drills"), [(0, 1), (2, 3), (9, 4)])
def test_drill_of_an_unfit_platform_is_tried_again(clouds: Clouds, tmp_path: Path, unfit: int, drills: int) -> None:
    clouds.unfit = unfit
    with SharedCloud(PLAN, tmp_path, tmp_path / "holder") as cloud:
        report = cloud.drill(PLAN)
    assert clouds.done.count("blackout") == drills
    assert shared_cloud.was_drilled(report) is (unfit < drills)
