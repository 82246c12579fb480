"""Run the handlers on moto with the tests' own transform, independent of this fork's transform."""

from functools import cache
from typing import Any

import botocore.hooks
import botocore.useragent
import moto.core.responses
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser  # type: ignore[attr-defined]

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

# botocore and moto compute these anew for every client or call, which took a sixth of the processor time of these tests.
for _module, _name in (
    (botocore.useragent, "sanitize_user_agent_string_component"),
    (moto.core.responses, "camelcase_to_underscores"),
    (moto.core.responses, "method_names_from_class"),
):
    setattr(_module, _name, cache(getattr(_module, _name)))
_aliases: dict[str, str] = {}
setattr(botocore.hooks.EventAliaser, "_alias_name_cache", property(lambda _: _aliases, lambda _, _empty: None))  # noqa: B010
_is_processed: dict[tuple[type, type], bool] = {}


def _traverse(self: DepthFirstTraverser, node: Any, child_id: int = -1) -> Any:  # noqa: ANN401 - moto's own
    for number, child in enumerate(getattr(node, "children", None) or ()):
        self.pre_processing_of_child(node, number)
        _traverse(self, child, number)
    kind = type(self), type(node)
    if kind not in _is_processed:
        _is_processed[kind] = isinstance(node, self.nodes_to_be_processed())
    if _is_processed[kind]:
        parent, node = node.parent, self.process(node)
        node.parent = parent
        if parent:
            parent.children[child_id] = node
    return node


setattr(DepthFirstTraverser, "traverse_node_recursively", _traverse)  # noqa: B010 - as above
