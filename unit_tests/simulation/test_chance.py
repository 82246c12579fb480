"""Draws of the simulator: the same bits on every machine, and lags as their shape has them."""

import pytest

from simulation.chance import Chance, Shape

_DRAWS = 4000


def lags(shape: Shape) -> list[float]:
    """Return many lags that are typically 1 second and at most 1,000, the shortest first."""
    chance = Chance(7)
    return sorted(chance.lag(1.0, 1000.0, "test", number, shape=shape) for number in range(_DRAWS))


@pytest.mark.parametrize(
    ("shape", "half", "twentieth"),
    [
        (Shape.HEAVY_TAIL, (0.9, 1.1), (15.0, 20.0)),
        (Shape.EXPONENTIAL, (0.9, 1.1), (4.0, 4.7)),
        (Shape.BIMODAL, (0.95, 1.05), (280.0, 300.0)),
        (Shape.CONSTANT, (1.0, 1.0), (1.0, 1.0)),
        (Shape.UNIFORM, (45.0, 55.0), (93.0, 97.0)),
        (Shape.STRAGGLERS, (0.45, 0.55), (0.9, 1.0)),
    ],
)
def test_lags_of_a_shape_have_its_quantiles(shape: Shape, half: tuple[float, float], twentieth: tuple[float, float]) -> None:
    drawn = lags(shape)
    assert half[0] <= drawn[_DRAWS // 2] <= half[1]
    assert twentieth[0] <= drawn[_DRAWS * 19 // 20] <= twentieth[1]
    assert 0.0 <= drawn[0] <= drawn[-1] <= 1000.0


def test_lag_is_the_same_on_every_machine() -> None:
    assert {shape: Chance(3).lag(0.6, 1800.0, "item", shape=shape).hex() for shape in Shape} == {
        Shape.HEAVY_TAIL: "0x1.5c915e539c7ccp-2",
        Shape.EXPONENTIAL: "0x1.cbc21496271a5p-3",
        Shape.BIMODAL: "0x1.bfc8cb3a87522p-2",
        Shape.CONSTANT: "0x1.3333333333333p-1",
        Shape.UNIFORM: "0x1.b7537b16e6e0cp+3",
        Shape.STRAGGLERS: "0x1.192b300ea83dep-3",
    }
