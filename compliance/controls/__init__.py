"""Map rules to the controls of the frameworks that they serve. A mapping, not a certification."""

from compliance.controls.catalogue import (
    Framework,
    UnknownControlError,
    catalogue,
    hipaa,
    nist,
    pci,
    qualified,
    resolve,
    split,
)

__all__ = ["Framework", "UnknownControlError", "catalogue", "hipaa", "nist", "pci", "qualified", "resolve", "split"]
