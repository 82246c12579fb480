"""Start jsii through the gate, so that every answer of the packs is recorded if this folder is collected first."""

import pytest

from compliance.engine import matrix
from compliance.packs import native
from unit_tests.fixtures import SETTINGS_FILE

native.start()


@pytest.fixture(autouse=True)
def _environments_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the tests' own environments.toml in place of the fork's."""
    monkeypatch.setattr(matrix, "ENVIRONMENTS_FILE", SETTINGS_FILE)
