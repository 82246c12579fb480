"""Names that CloudFormation makes up: two stacks of the same name in two regions do not share them.

Faithful: a role, policy or other global resource without a name of its own gets another name in each region, so that
the region's stack cannot overwrite its twin's.
Different from AWS: the made-up part follows from stack, logical id and region instead of being random.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import hashlib
from typing import Any, Final

from ministack.core.responses import get_region
from ministack.services.cloudformation import provisioners

_ENDING: Final = 13
"""How many characters at the end of a name ministack makes up."""


def install() -> None:
    """Let the region count in the part of a name that is made up."""
    stock = provisioners._physical_name

    def name(stack_name: str, logical_id: str, **options: Any) -> str:  # noqa: ANN401  handed on as they are
        made: str = stock(stack_name, logical_id, **options)
        ending = hashlib.sha256(f"{made}@{get_region()}".encode()).hexdigest()[:_ENDING]
        return made[:-_ENDING] + (ending if options.get("lowercase") else ending.upper())

    provisioners._physical_name = name
