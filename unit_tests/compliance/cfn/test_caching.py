"""A cached result is computed once for each template set, and never used for another."""

from dataclasses import replace

import pytest

from compliance.cfn.caching import cached
from compliance.cfn.templates import Template, TemplateSet
from unit_tests.compliance.fixtures import template

WORLD = TemplateSet(templates=(template({}),), environment="prod")


def test_cached_result_is_computed_once_for_each_template_set() -> None:
    asked: list[str] = []

    @cached
    def environment(world: TemplateSet) -> str:
        asked.append(world.environment)
        return world.environment

    world, other = replace(WORLD), replace(WORLD, environment="dev")

    assert [environment(world), environment(world), environment(other)] == ["prod", "prod", "dev"]
    assert asked == ["prod", "dev"]


def test_two_functions_do_not_share_a_result() -> None:
    @cached
    def one(_world: TemplateSet) -> int:
        return 1

    @cached
    def two(_world: TemplateSet) -> int:
        return 2

    assert (one(WORLD), two(WORLD), one(WORLD)) == (1, 2, 1)


def test_cached_function_raises_an_error_each_time() -> None:
    @cached
    def broken(_template: Template) -> int:
        raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            broken(WORLD.templates[0])


def test_changed_template_set_has_an_empty_cache() -> None:
    @cached
    def size(world: TemplateSet) -> int:
        return len(world.templates)

    assert size(WORLD) == 1
    assert size(replace(WORLD, templates=())) == 0
