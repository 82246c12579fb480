"""Names that CloudFormation generates: two stacks of the same name in two regions do not share them.

Faithful: a global resource without a name, such as a role or policy, gets another name in each region, so that the stack
of one region cannot overwrite that of the other.
Different from AWS: the generated part depends on stack, logical id and region, and is not random.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import hashlib
from typing import Any, Final

from ministack.core.responses import get_region
from ministack.services.cloudformation import provisioners

_ENDING: Final = 13
"""Number of characters that ministack generates at the end of a name."""


def install() -> None:
    """Include the region in the generated part of a name."""
    stock = provisioners._physical_name

    def name(stack_name: str, logical_id: str, **options: Any) -> str:  # noqa: ANN401  handed on as they are
        made: str = stock(stack_name, logical_id, **options)
        ending = hashlib.sha256(f"{made}@{get_region()}".encode()).hexdigest()[:_ENDING]
        return made[:-_ENDING] + (ending if options.get("lowercase") else ending.upper())

    provisioners._physical_name = name
