"""Test the load: the drill's expected records are those of the shipped platform, and the proof gets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.receipts import Receipt, State
from drill.load import expected, items
from drill.load.items import LoadItem
from drill.load.sending import Sender
from drill.proof import effect
from drill.proof.scope import ReceiptRow
from handlers.processor.errors import UnreadableError
from handlers.processor.intake import Intake
from handlers.processor.parsers import open_object
from unit_tests.fixtures import shipped_is_known, shipped_stored, shipped_transform
from unit_tests.fixtures.examples import examples

SOURCE = "drill-abcdef"


@pytest.mark.property
@pytest.mark.skipif(not shipped_is_known, reason="drill/load/expected.py says that it does not know the transform")
@settings(max_examples=examples(10))  # up to 32 files each
@given(seed=st.integers(0, 10_000), objects=st.integers(1, 24))
def test_expected_records_equal_the_processors(seed: int, objects: int) -> None:
    """After an edit of transform.py, edit `stored` in drill/load/expected.py likewise."""
    for one in [*items.make(seed, objects, SOURCE), *items.controls(seed, 4, SOURCE)]:
        object_id = "b" * 64
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(expected, "stored", shipped_stored)
            records = expected.records(one.parsed)
        if one.is_unreadable:
            with pytest.raises(UnreadableError):
                processed(one, object_id)
            continue
        accepted, held, digest = processed(one, object_id)
        assert (len(records), one.records) == (accepted, held)
        assert effect.of_records(object_id, records) == digest


def processed(one: LoadItem, object_id: str) -> tuple[int, int, str]:
    """Return the processor's results for a file: accepted records, all records, effect digest."""
    assert isinstance(one.item.content, bytes)
    opened = open_object([one.item.content], object_key=one.item.key, maximum_expanded_bytes=8 << 20)
    with Intake(object_id, shipped_transform) as intake:
        intake.take(enumerate(opened.records))
        taken = intake.taken
        return taken.accepted, taken.records, taken.effect_digest


def rows(folder: Path, files: list[LoadItem], *lines: Receipt) -> list[ReceiptRow]:
    (folder / "receipts.jsonl").write_bytes(b"".join(one.line for one in lines))
    deployment: Any = None  # what is read from files needs none
    return Sender(deployment, SOURCE, folder).rows(files)


def receipt(key: str, state: State, upload_id: str = "u") -> Receipt:
    return Receipt(upload_id=upload_id, file="", key=key, source=SOURCE, state=state, at="", size=3, sha256="a" * 64)


def test_receipt_row_has_the_expected_result_of_its_file(tmp_path: Path) -> None:
    files = items.make(1, 6, SOURCE)
    for one in files:
        (row,) = rows(tmp_path, files, receipt(one.item.key, State.ACCEPTED))
        assert (row.records, row.accepted, row.is_unreadable) == (
            one.records,
            len(expected.records(one.parsed)),
            one.is_unreadable,
        )
        assert row.effect == effect.of_records(row.object_id, expected.records(one.parsed))


def test_foreign_file_has_no_expected_result(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, [], receipt("other", State.ACCEPTED))
    assert (row.records, row.accepted, row.effect) == (None, None, None)


def test_unknown_transform_leaves_only_the_expected_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expected, "IS_KNOWN", False)
    files = items.make(1, 1, SOURCE)
    (row,) = rows(tmp_path, files, receipt(files[0].item.key, State.ACCEPTED))
    assert (row.records, row.accepted, row.effect) == (files[0].records, None, None)


def test_rejected_record_leaves_its_ordinal_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expected, "stored", lambda record: None if record["line"] == "1" else record)
    held = expected.records([{"line": str(number)} for number in range(3)])
    assert [ordinal for ordinal, _ in held] == [0, 2]


@pytest.mark.parametrize("state", list(State))
def test_upload_confirmed_once_is_certain(tmp_path: Path, state: State) -> None:
    """If it is missing now, it is lost; it cannot be one that never arrived."""
    (row,) = rows(tmp_path, [], receipt("k", State.ACCEPTED), receipt("k", state))
    assert row.is_certain == (state.safe or state is State.MISSING)
    assert json.loads(receipt("k", state).line)["state"] == state
