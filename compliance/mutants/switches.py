"""Switches: what a resource type can do and the templates leave alone, turned on one by one.

The CDK's own classes say which settings a type has, so a switch needs no entry anywhere.
"""

import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, Union, get_args, get_type_hints

from compliance.cfn.templates import Json, Resource
from compliance.engine.candidates import Pointer, at_or_none, changed
from compliance.mutants.mutant import settable
from compliance.packs import native

_DEPTH: Final = 3
_STATE: Final = re.compile(r"Sta(te|tus)$")


def switches_of(resource: Resource) -> Iterator[tuple[str, Pointer, Json, Json]]:
    """Yield each switch of a resource that is not set, turned on: operator, pointer, before, after."""
    for path, after in _switches(resource.type):
        if at_or_none(resource.properties, path) is None:
            pointer, value = settable(resource, path, after)
            yield "switch", pointer, None, value


@cache
def _switches(kind: str) -> tuple[tuple[Pointer, Json], ...]:
    """Return the places of a type's switches, with their values."""
    native.start()
    _, service, name = [*kind.split("::"), "", ""][:3]
    try:
        struct = getattr(importlib.import_module(f"aws_cdk.aws_{service.lower()}"), f"Cfn{name}Props")
    except (AttributeError, ImportError):
        return ()  # a custom resource
    return tuple(found for found in _below(struct, ()) if not native.not_in_schema(kind, changed(None, *found)))


def _below(struct: type[Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Json]]:
    for key, hint in get_type_hints(struct.__init__).items():
        way = (*path, "".join(word[:1].upper() + word[1:] for word in key.split("_")))
        kinds = set(_alternatives(hint))
        if bool in kinds or (str in kinds and _STATE.search(way[-1])):
            yield way, True if bool in kinds else "Enabled"
        for each in kinds if len(way) < _DEPTH else ():
            if inspect.isclass(each) and each.__name__.endswith("Property"):
                yield from _below(each, way)


def _alternatives(hint: Any) -> Iterator[Any]:  # noqa: ANN401 - any form of a type
    """Yield the types of a union; a list is none of them."""
    if getattr(hint, "__origin__", None) is Union:
        for each in get_args(hint):
            yield from _alternatives(each)
    else:
        yield hint
