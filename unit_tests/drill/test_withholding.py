"""Test that replication is withheld during negative controls, and always continues afterwards."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drill import proving
from drill.journal import Journal
from drill.model import NegativeControls
from drill.proof import controls
from drill.proof.controls import Injected, Tampered, Withheld
from operations.errors import RunFailure

INJECTED = Injected(
    duplicate="d",
    duplicate_of="a",
    duplicate_in="us-east-1",
    withheld=(Withheld("us-east-1", "us-west-2", "w", "key", "0" * 64),),
    tampered=(Tampered("us-east-1", "t", "REC#t#000000", "0"),),
    lost_receipt="r",
)


class Drill:
    """Records the order of the actions."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
        self.done: list[str] = []
        self.context: Any = SimpleNamespace(
            deployment=None,
            target=SimpleNamespace(regions=("us-east-1", "us-west-2"), secondary="us-west-2"),
            plan=SimpleNamespace(source="s", seed=1, mode=mode),
            items=[],
            sender=SimpleNamespace(rows=lambda _: [], direct_rows=lambda _: []),
            direct_files=[],
            journal=Journal(folder / "journal.jsonl"),
            folder=SimpleNamespace(samples=folder / "samples.jsonl"),
            phase="reconcile",
            platform=SimpleNamespace(set_partition=lambda *, cut: self.done.append("withheld" if cut else "continues")),
            waiting=lambda _: iter([None]),
            note=lambda *_, **__: None,
        )
        output = NegativeControls(injected=0, found=0)
        for name, answer in {
            "choose": INJECTED,
            "inject": INJECTED,
            "find": output,
            "repair_records": None,
            "repair": None,
            "is_repaired": True,
        }.items():
            monkeypatch.setattr(controls, name, self._noting(name, answer))
        monkeypatch.setattr(proving, "prove_sources", self._noting("prove", None))

    def _noting(self, name: str, answer: Any) -> Any:  # noqa: ANN401 - whatever the function gives
        def do(*_: object, **__: object) -> Any:  # noqa: ANN401 - likewise
            self.done.append(name)
            return answer

        return do


EXPECTED = ["choose", "withheld", "inject", "prove", "find", "repair_records", "continues", "repair", "is_repaired"]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("local", EXPECTED), ("live", [one for one in EXPECTED if one not in {"withheld", "continues"}])],
)
def test_replication_is_withheld_where_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, expected: list[str]
) -> None:
    drill = Drill(tmp_path, monkeypatch, mode)
    proving._controls(drill.context)  # noqa: SLF001 - the step that is tested
    assert drill.done == expected
    assert drill.context.journal.fact("damage") is None


@pytest.mark.parametrize("failing", ["inject", "prove_sources", "find"])
def test_failure_in_between_withholds_no_replication(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    drill = Drill(tmp_path, monkeypatch, "local")

    def fail(*_: object, **__: object) -> None:
        raise RunFailure("no")

    monkeypatch.setattr(proving if failing == "prove_sources" else controls, failing, fail)
    with pytest.raises(RunFailure, match="no"):
        proving._controls(drill.context)  # noqa: SLF001 - the step that is tested
    assert drill.done[-3:] == ["continues", "repair", "is_repaired"]
    assert drill.context.journal.fact("damage") is None


def test_resumed_drill_restores_withheld_replication(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drill = Drill(tmp_path, monkeypatch, "local")
    drill.context.journal.state("reconcile", "damage", INJECTED.as_dict())
    proving.undo_damage(drill.context)
    assert drill.done == ["repair_records", "continues", "repair", "is_repaired"]
    proving.undo_damage(drill.context)
    assert len(drill.done) == 4
