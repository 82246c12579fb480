"""`permission`: the processor's role in the primary's region loses its rights on the table."""

from __future__ import annotations

from drill.faults.fault import Fault
from drill.targets.fault_injector import FaultInjector


class Permission(Fault):
    """The processor fails on each object; the API and `/ready` work normally."""

    name = "permission"
    title = "the primary's processor may not use the table"
    seen_by_observer = True
    makes_dead_letters = True

    def inject(self, injector: FaultInjector) -> str:
        """Deny the table to the role."""
        injector.set_denied(injector.target.primary, denied=True)
        return f"the role of {injector.target.primary}'s processor may not use the table"

    def heal(self, injector: FaultInjector) -> None:
        """Remove the denial."""
        injector.set_denied(injector.target.primary, denied=False)
