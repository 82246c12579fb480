"""Which controls of which framework a rule serves. A mapping, not a certification."""

from compliance.controls.frameworks import Framework, hipaa, nist, pci

__all__ = ["Framework", "hipaa", "nist", "pci"]
