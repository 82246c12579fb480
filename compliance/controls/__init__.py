"""Map rules to the controls of the frameworks that they serve. A mapping, not a certification."""

from compliance.controls.catalogue import UnknownControlError, catalogue, qualified, resolve, split
from compliance.controls.frameworks import Framework
from compliance.controls.shorthand import hipaa, nist, pci

__all__ = ["Framework", "UnknownControlError", "catalogue", "hipaa", "nist", "pci", "qualified", "resolve", "split"]
