"""Test that the proof passes for the benchmark's platform, so that the benchmark measures a complete proof."""

import pytest

from benchmarks.proof_once import main


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("proof", '"equal": true, "objects": 20, "wrong": 0'),
        ("tampered", '"equal": false, "objects": 20, "wrong": 10'),
        ("sets", '"equal": true, "objects": 20, "wrong": 0'),
    ],
)
def test_benchmark_measures_equal_sources_and_finds_damage(
    what: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(what, 20)
    assert expected in capsys.readouterr().out
