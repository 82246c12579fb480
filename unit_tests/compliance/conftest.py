"""Starts jsii through the gate, so that the packs' every answer is recorded wherever this folder is collected first."""

import pytest

from compliance.engine import matrix
from compliance.packs import nodejs
from unit_tests.fixtures import SETTINGS_FILE

nodejs.start()


@pytest.fixture(autouse=True)
def _environments_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge the environments of the tests' own file, whatever this fork's has."""
    monkeypatch.setattr(matrix, "ENVIRONMENTS_FILE", SETTINGS_FILE)
