"""The matrix of configurations: well-formed, and every two settings that can be had together are had together once."""

from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest

from compliance.engine.matrix import Configuration, MatrixError, chosen, read_environments, read_matrix

AXES: dict[str, dict[Any, dict[str, Any]]] = {
    "domain": {"no": {}, "yes": {"domain.name": "ingest.example.com"}},
    "vpc": {"isolated": {}, "none": {"vpc.mode": "none"}},
    "zones": {2: {}, 1: {"vpc.availability_zones": 1}, 3: {"vpc.availability_zones": 3}},
    "consistency": {"eventual": {}, "strong": {"consistency": "strong"}},
    "lock": {"governance": {}, "compliance": {"object_lock.mode": "compliance"}, "none": {"object_lock.mode": "none"}},
    "control": {"secondary": {}, "primary": {"control": "primary"}},
    "regions": {"given": {}, "swapped": {"primary_region": "us-west-2"}, "elsewhere": {"primary_region": "us-east-2"}},
}
ENVIRONMENTS = ("prod", "staging", "dev")
Point = dict[str, Any]


def _point(configuration: Configuration) -> Point:
    """Where a configuration stands on each axis."""
    settings = configuration.settings
    return {"environment": configuration.environment} | {
        axis: next(
            (value for value, given in values.items() if given and given.items() <= settings.items()), next(iter(values))
        )
        for axis, values in AXES.items()
    }


def _can_be(point: Point) -> bool:
    if point["environment"] == "prod" and (point["vpc"] == "none" or point["lock"] == "none"):
        return False
    return not (point["consistency"] == "strong" and point["regions"] == "elsewhere")


def _pairs(point: Point) -> set[frozenset[tuple[str, Any]]]:
    return {frozenset(pair) for pair in combinations(point.items(), 2)}


def test_every_two_settings_that_can_be_had_together_are_in_one_configuration() -> None:
    points = [_point(configuration) for configuration in read_matrix()]
    every = (
        dict(zip(("environment", *AXES), values, strict=True))
        for values in product(ENVIRONMENTS, *(AXES[axis] for axis in AXES))
    )
    needed = set().union(*(_pairs(point) for point in every if _can_be(point)))

    assert all(_can_be(point) for point in points)
    assert needed - set().union(*map(_pairs, points)) == set()


def test_each_environment_is_there_as_it_is_and_first() -> None:
    first = read_matrix()[: len(ENVIRONMENTS)]

    assert [configuration.name for configuration in first] == list(ENVIRONMENTS)
    assert not any(configuration.settings for configuration in first)


def test_configurations_are_chosen_by_name_in_the_matrix_s_order() -> None:
    matrix = read_matrix()

    assert [each.name for each in chosen(matrix, ["dev", "prod"])] == ["prod", "dev"]
    with pytest.raises(MatrixError, match="it has prod, staging, dev"):
        chosen(matrix, ["nowhere"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[configuration", "is not TOML"),
        ("", "written as"),
        ("configuration = 3", "written as"),
        ("other = 1\n[[configuration]]\nname = 'a'\nenvironment = 'b'", "nothing else"),
        ("[[configuration]]\nname = 'a'", "entry number 1: must have the keys"),
        ("[[configuration]]\nname = 'a'\nenvironment = 'b'\ncolour = 'red'", "no others"),
        ("[[configuration]]\nname = ''\nenvironment = 'b'", "must be text"),
        ("[[configuration]]\nname = 'a'\nenvironment = 3", "must be text"),
        ("[[configuration]]\nname = 'a'\nenvironment = 'b'\nsettings = 3", "must be a table"),
        ("[[configuration]]\nname = 'a'\nenvironment = 'b'\n" * 2, "twice"),
    ],
)
def test_a_malformed_matrix_is_an_error_that_names_the_entry(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "matrix.toml").write_text(text)

    with pytest.raises(MatrixError, match=says):
        read_matrix(tmp_path / "matrix.toml")
    with pytest.raises(MatrixError, match="cannot be read"):
        read_matrix(tmp_path / "none.toml")


def test_environments_are_those_that_the_file_names_and_prod_is_first(tmp_path: Path) -> None:
    file = tmp_path / "environments.toml"
    file.write_text("[defaults]\ncontrol = 'primary'\n[environments.qa]\n[environments.prod]\n[environments.sandbox]")

    assert read_environments(file) == tuple(map(Configuration.of, ("prod", "qa", "sandbox")))


@pytest.mark.parametrize("text", ["", "environments = 3", "[environments]"])
def test_file_without_an_environment_is_an_error_that_says_what_to_write(text: str, tmp_path: Path) -> None:
    file = tmp_path / "environments.toml"
    file.write_text(text)

    with pytest.raises(MatrixError, match=r"as \[environments.prod\]"):
        read_environments(file)


def test_environments_are_read_from_the_file_of_this_repository() -> None:
    assert read_environments(), "the shipped file, or a fork's"
