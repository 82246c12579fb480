"""Run the handlers on moto with the tests' own transform, independent of this fork's transform."""

from typing import Any

from moto.core.serialize import BaseJSONSerializer

from unit_tests.fixtures import use_fixture_transform

use_fixture_transform()

# moto looks for each of the ten possible types of an attribute value under several names, which took half the processor time
# of these tests. A value that DynamoDB returns has exactly one type, under its own name.
_of_any_shape = BaseJSONSerializer._serialize_type_structure  # noqa: SLF001


def _of_one_type(self: BaseJSONSerializer, serialized: Any, value: Any, shape: Any, key: str) -> None:  # noqa: ANN401 - moto's own
    if shape.name != "AttributeValue" or not isinstance(value, dict):
        _of_any_shape(self, serialized, value, shape, key)
        return
    typed: dict[str, Any] = {}
    for name, content in value.items():
        self._serialize(typed, content, shape.members[name], name)
    self._default_serialize(serialized, typed, shape, key)


setattr(BaseJSONSerializer, "_serialize_type_structure", _of_one_type)  # noqa: B010 - a method cannot be assigned for mypy
