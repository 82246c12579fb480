"""Test the intake: the transform's results, the limits of a record, disk and memory."""

import gzip
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from handlers.processor.errors import Reject, UnreadableError
from handlers.processor.intake import Intake
from handlers.processor.parsers import open_object
from handlers.shared.effect import EffectDigest
from unit_tests.fixtures import unchanged
from unit_tests.handlers.processor.parse_file import OBJECT_ID, take_in

LINES = b'{"a":1}\n{"a":2}\n{"a":3}\n'
MEBIBYTE = 1024 * 1024


def fails_for_two(error: Exception) -> Any:  # noqa: ANN401 - a transform
    def transform(record: dict[str, Any]) -> dict[str, Any]:
        if record["a"] == 2:
            raise error
        return record

    return transform


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Reject("no customer"), "no customer"),
        (Reject(), "the transform gave no reason"),
        (Reject("x" * 5000), "x" * 1000),
        (KeyError("id"), "the transform failed: KeyError: 'id'"),
        (RecursionError("deep"), "the transform failed: RecursionError: deep"),
        (ValueError("x" * 5000), "the transform failed: ValueError: " + "x" * 966),
    ],
)
def test_a_record_that_the_transform_refuses_or_fails_at_is_rejected_alone(error: Exception, reason: str) -> None:
    taken = take_in(LINES, transform=fails_for_two(error))
    assert taken.outcome == [{"a": Decimal(1)}, 2, {"a": Decimal(3)}]
    assert [one["reason"] for one in taken.rejections] == [reason]


@pytest.mark.parametrize("returned", [None, [1], "text", 7])
def test_transform_result_that_is_no_dict_is_rejected(returned: Any) -> None:  # noqa: ANN401 - whatever a user's code returns
    taken = take_in(LINES, transform=lambda _: returned)
    assert taken.outcome == [1, 2, 3]
    assert "must return a dict" in taken.rejections[0]["reason"]


def test_transform_result_is_the_record_that_is_written() -> None:
    taken = take_in(LINES, transform=lambda record: {"double": record["a"] * 2})
    assert taken.accepted[2]["double"] == Decimal(6)


def test_the_limits_hold_for_what_the_transform_made() -> None:
    taken = take_in(LINES, transform=lambda record: record | {"text": "x" * (205_000 * record["a"])})
    assert taken.outcome[1:] == [2, 3]
    assert "400 KB" in taken.rejections[0]["reason"]


def test_the_digest_is_of_each_record_and_its_place() -> None:
    assert take_in(LINES).effect_digest == take_in(LINES.replace(b":1}", b":1.0}")).effect_digest
    changed = [take_in(content).effect_digest for content in (LINES, LINES[8:], LINES.replace(b"3", b"4"), b"[]")]
    assert len(set(changed)) == len(changed)
    assert changed[-1] == EffectDigest().hexdigest() == "0" * 64


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("content", [LINES, b"1\n2\n3\n" + LINES], ids=["accepted", "rejected"])
def test_full_disk_quarantines_the_object(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    def full(_: int) -> Any:  # noqa: ANN401 - as SpooledTemporaryFile
        return Path("/dev/full").open("w+b")

    monkeypatch.setattr("handlers.processor.intake.SpooledTemporaryFile", full)
    with pytest.raises(UnreadableError, match=r"expands_too_far: .*disk"):
        take_in(content)


def lines(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield b'{"n":%d,"text":"%s"}\n' % (number, b"x" * 100_000)


def elements(count: int) -> Iterator[bytes]:
    yield b"["
    for number, line in enumerate(lines(count)):
        yield (b"," if number else b"") + line
    yield b"]"


def rows(count: int) -> Iterator[bytes]:
    yield b"n,text\n"
    for number in range(count):
        yield b'%d,"%s\n%s"\n' % (number, b"x" * 50_000, b"y" * 50_000)


def zipped(count: int) -> Iterator[bytes]:
    return (gzip.compress(line, 1) for line in lines(count))


@pytest.mark.parametrize("chunks", [lines, elements, rows, zipped])
def test_object_larger_than_memory_is_streamed(monkeypatch: pytest.MonkeyPatch, chunks: Any) -> None:  # noqa: ANN401
    """The parsers and spools hold only a few MB of a file of 40 MB."""
    monkeypatch.setattr("handlers.processor.intake._MEMORY_BYTES", MEBIBYTE)
    tracemalloc.start()
    try:
        opened = open_object(chunks(400), object_key="incoming/x", maximum_expanded_bytes=1020 * MEBIBYTE)
        with Intake(OBJECT_ID, unchanged) as intake:
            intake.take(enumerate(opened.records))
            assert (intake.taken.accepted, intake.taken.rejected) == (400, 0)
            assert sum(1 for _ in intake.prepared()) == 400
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * MEBIBYTE
