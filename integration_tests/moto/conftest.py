"""Run the handlers on moto with the tests' own transform, independent of this fork's transform."""

from unit_tests.fixtures import use_fixture_transform

use_fixture_transform()
