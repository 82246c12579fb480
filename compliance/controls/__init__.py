"""Map rules to the controls of the frameworks that they serve. A mapping, not a certification."""

from compliance.controls.catalogue import (
    Catalogue,
    Framework,
    UnknownControlError,
    catalogue,
    hipaa,
    nist,
    pci,
    published,
    qualified,
    resolve,
    split,
)

__all__ = [
    "Catalogue",
    "Framework",
    "UnknownControlError",
    "catalogue",
    "hipaa",
    "nist",
    "pci",
    "published",
    "qualified",
    "resolve",
    "split",
]
