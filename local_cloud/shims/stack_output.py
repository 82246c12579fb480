"""`Fn::GetStackOutput`, the CDK's weak reference between stacks, with its `Region`.

Faithful: an output of a stack of another region is read there; a missing stack or output, or a region that is down,
fails the operation.
Different from AWS: `RoleArn` is ignored, so reading needs no permission.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from typing import Any, Final

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services.cloudformation import changesets, engine, handlers, stacks

from local_cloud import regions

_NAME: Final = "Fn::GetStackOutput"


def install() -> None:
    """Read an output in the reference's region."""
    stock = engine._resolve_refs

    def resolve(value: Any, resources: Any, parameters: Any, *further: Any) -> Any:  # noqa: ANN401  handed on
        if not (isinstance(value, dict) and isinstance(value.get(_NAME), dict)):
            return stock(value, resources, parameters, *further)
        wanted = {
            name: resolve(part, resources, parameters, *further)
            for name, part in value[_NAME].items()
            if name in ("StackName", "OutputName", "Region")
        }
        region = wanted.get("Region") or get_region()
        if regions.is_down(region):
            raise ValueError(f"The output {wanted.get('OutputName')} cannot be read: {region} is down (503).")
        with request_scope(get_account_id(), region):
            return stock({_NAME: wanted}, resources, parameters, *further)

    # The stock function calls itself for nested values by its module's name, so the replacement sees those too.
    for module in (engine, stacks, changesets, handlers):
        module._resolve_refs = resolve
