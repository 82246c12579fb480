"""The matrix of configurations is well-formed, and has every valid pair of settings at least once."""

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


def test_every_valid_pair_of_settings_is_in_a_configuration() -> None:
    points = [_point(configuration) for configuration in read_matrix()]
    every = (
        dict(zip(("environment", *AXES), values, strict=True))
        for values in product(ENVIRONMENTS, *(AXES[axis] for axis in AXES))
    )
    needed = set().union(*(_pairs(point) for point in every if _can_be(point)))

    assert all(_can_be(point) for point in points)
    assert needed - set().union(*map(_pairs, points)) == set()


def test_matrix_begins_with_each_plain_environment() -> None:
    first = read_matrix()[: len(ENVIRONMENTS)]

    assert [configuration.name for configuration in first] == list(ENVIRONMENTS)
    assert not any(configuration.settings for configuration in first)


def test_chosen_configurations_keep_the_order_of_the_matrix() -> None:
    matrix = read_matrix()

    assert [each.name for each in chosen(matrix, ["dev", "prod"])] == ["prod", "dev"]
    with pytest.raises(MatrixError, match="it has prod, staging, dev"):
        chosen(matrix, ["nowhere"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[configuration", "is not TOML"),
        ("", "write each entry as"),
        ("configuration = 3", "write each entry as"),
        ("other = 1\n[[configuration]]\nname = 'a'\nenvironment = 'b'", "holds something else than entries"),
        ("[[configuration]]\nname = 'a'", "entry number 1: has other keys"),
        ("[[configuration]]\nname = 'a'\nenvironment = 'b'\ncolour = 'red'", "has other keys"),
        ("[[configuration]]\nname = ''\nenvironment = 'b'", "write a text"),
        ("[[configuration]]\nname = 'a'\nenvironment = 3", "write a text"),
        ("[[configuration]]\nname = 'a'\nenvironment = 'b'\nsettings = 3", "settings is not a table"),
        ("[[configuration]]\nname = 'a'\nenvironment = 'b'\n" * 2, "twice"),
    ],
)
def test_malformed_matrix_is_an_error_with_the_entry(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "matrix.toml").write_text(text)

    with pytest.raises(MatrixError, match=says):
        read_matrix(tmp_path / "matrix.toml")
    with pytest.raises(MatrixError, match="cannot be read"):
        read_matrix(tmp_path / "none.toml")


def test_environments_are_read_from_the_file_with_prod_first(tmp_path: Path) -> None:
    file = tmp_path / "environments.toml"
    file.write_text("[defaults]\ncontrol = 'primary'\n[environments.qa]\n[environments.prod]\n[environments.sandbox]")

    assert read_environments(file) == tuple(map(Configuration.of, ("prod", "qa", "sandbox")))


@pytest.mark.parametrize("text", ["", "environments = 3", "[environments]"])
def test_file_without_an_environment_is_an_error_with_an_example(text: str, tmp_path: Path) -> None:
    file = tmp_path / "environments.toml"
    file.write_text(text)

    with pytest.raises(MatrixError, match=r"like \[environments.prod\]"):
        read_environments(file)


def test_environments_are_read_from_the_file_of_this_repository() -> None:
    assert read_environments(), "the shipped file, or a fork's"
