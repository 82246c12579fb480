"""The platform's deployed stacks, with their synthesized templates."""

from __future__ import annotations

from pathlib import Path

from compliance.cfn.loading import load_assembly
from compliance.live.deployed import Stack, deployed
from operations.target import Target


def deployed_stacks(target: Target) -> list[Stack]:
    """Return every stack; in a real account without an assembly, with the templates that CloudFormation holds."""
    loaded = load_assembly(Path(target.templates)).templates if target.templates else ()
    bodies = {(one.stack_name, one.region): one.body for one in loaded}
    both = [(target.name_of(name), region) for name in ("keys", "regional") for region in target.regions]
    places = [*both, *((target.name_of(name), target.control) for name in ("data", "failover"))]
    return [deployed(target, *place, bodies.get(place)) for place in places]
