"""The tests of the handlers on moto run them with the tests' own transform, whatever this fork's is."""

from unit_tests.fixtures import use_fixture_transform

use_fixture_transform()
