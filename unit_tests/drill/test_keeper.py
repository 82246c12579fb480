"""Telling whether a keeper still runs: not by its number alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.targets import keeper

KEEPER = b"python\0-m\0drill.targets.keeper\0--folder\0x\0"


@pytest.mark.parametrize(
    ("stat", "cmdline", "expected"),
    [
        ("7 (python) S 1 7", KEEPER, True),
        ("7 (python) R 1 7", b"", True),
        ("7 (python) Z 1 7", b"", False),
        ("7 (a ) Z b) S 1 7", KEEPER, True),
        ("7 (vim) S 1 7", b"vim\0keeper.py\0", False),
        ("", KEEPER, False),
    ],
)
def test_a_process_is_the_keeper_if_it_lives_and_is_called_so(
    tmp_path: Path,
    stat: str,
    cmdline: bytes,
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    (tmp_path / "stat").write_text(stat, "utf-8")
    (tmp_path / "cmdline").write_bytes(cmdline)
    assert keeper._is_keeper(tmp_path) is expected  # noqa: SLF001 - what the rest stands on


def test_a_process_that_is_gone_is_none(tmp_path: Path) -> None:
    assert keeper._is_keeper(tmp_path / "7") is False  # noqa: SLF001 - likewise
