"""Add to CloudFormation: new resource types, and properties that the stock handler of a type drops.

A shim applies properties through the cloud's own public API, as CloudFormation does, so that a template and an API call have
the same effect. These calls return to this server, so the types run on a worker thread.
"""

# ruff: noqa: SLF001  the emulator offers no public way to add a resource type

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from ministack.services.cloudformation import provisioners, stacks

Properties = dict[str, Any]
Attributes = dict[str, Any]

_handlers: Final[dict[str, dict[str, Any]]] = provisioners._RESOURCE_HANDLERS
_off_the_event_loop: Final[set[str]] = set()


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource of a stack.

    Attributes:
        logical_id: Its name in the template.
        stack_name: The name of its stack.
        properties: Its resolved properties.
        physical_id: The value of `Ref`; empty on create.
        previous: Its properties before this update; empty on create.
    """

    logical_id: str
    stack_name: str
    properties: Properties
    physical_id: str = ""
    previous: Properties = field(default_factory=dict)

    def removed(self, name: str) -> bool:
        """Return whether this update removes the property."""
        return name in self.previous and name not in self.properties

    def generated_name(self) -> str:
        """Return the name of a resource without one in its template; it is the same on every update."""
        name: str = provisioners._physical_name(self.stack_name, self.logical_id, max_len=128)
        return name


Create = Callable[[Resource], tuple[str, Attributes]]
Apply = Callable[[Resource], Attributes]
Delete = Callable[[str, Properties], None]
Rewrite = Callable[[Properties], Properties]


def define(resource_type: str, *, create: Create, update: Apply, delete: Delete) -> None:
    """Add a resource type that ministack refuses.

    Args:
        resource_type: `AWS::Service::Type`.
        create: Creates it; returns the values of `Ref` and `Fn::GetAtt`.
        update: Changes it in place; returns its attributes.
        delete: Deletes it, by its physical id and properties. A missing resource is no error.
    """

    def stock_create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
        return create(Resource(logical_id=logical_id, stack_name=stack_name, properties=properties))

    def stock_update(
        physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None = None
    ) -> tuple[str, Attributes]:
        resource = Resource(
            logical_id=logical_id or physical_id,
            stack_name=stack_name,
            properties=new,
            physical_id=physical_id,
            previous=old,
        )
        return physical_id, update(resource)

    if resource_type in _handlers:
        raise RuntimeError(f"{resource_type} is known to ministack: use `extend` instead of `define`.")
    _handlers[resource_type] = {
        "create": stock_create,
        "update": stock_update,
        "update_with_logical_id": True,
        "delete": delete,
    }
    _off_the_event_loop.add(resource_type)


def extend(
    resource_type: str,
    apply: Apply = lambda _resource: {},
    *,
    rewrite: Rewrite = lambda properties: properties,
    before_delete: Delete = lambda _physical_id, _properties: None,
) -> None:
    """Extend a resource type that ministack has.

    Args:
        resource_type: `AWS::Service::Type`.
        apply: Runs after the stock create or update; sets the dropped properties, and returns further attributes.
        rewrite: Changes the properties for the stock handler; `apply` still gets those of the template.
        before_delete: Runs before the stock delete.
    """
    handler = _handlers[resource_type]
    stock = dict(handler)

    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
        physical_id, attributes = stock["create"](logical_id, rewrite(properties), stack_name)
        resource = Resource(logical_id=logical_id, stack_name=stack_name, properties=properties, physical_id=physical_id)
        return physical_id, {**attributes, **_apply_or_undo(resource)}

    def _apply_or_undo(resource: Resource) -> Attributes:
        try:
            return apply(resource)
        except Exception:
            # The stack engine rolls back only what a create has returned.
            stock["delete"](resource.physical_id, rewrite(resource.properties))
            raise

    def update(
        physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None = None
    ) -> tuple[str, Attributes]:
        if "update" in stock:
            further = (logical_id,) if stock.get("update_with_logical_id") else ()
            changed, attributes = stock["update"](physical_id, rewrite(old), rewrite(new), stack_name, *further)
        else:
            changed, attributes = stock["create"](logical_id or physical_id, rewrite(new), stack_name)
        resource = Resource(
            logical_id=logical_id or physical_id,
            stack_name=stack_name,
            properties=new,
            physical_id=changed,
            previous=old if changed == physical_id else {},
        )
        return changed, {**attributes, **apply(resource)}

    def delete(physical_id: str, properties: Properties, *further: str) -> None:
        before_delete(physical_id, properties)
        stock["delete"](physical_id, rewrite(properties), *further)

    handler.update(create=create, update=update, update_with_logical_id=True, delete=delete)
    _off_the_event_loop.add(resource_type)


def install() -> None:
    """Run the extended types off the event loop, which serves their API calls."""
    stock = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda resource_type: resource_type in _off_the_event_loop or stock(resource_type)
