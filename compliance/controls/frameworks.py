"""The frameworks."""

from enum import StrEnum


class Framework(StrEnum):
    """A set of controls, by the name that reports and `--framework` use."""

    NIST_R4 = "NIST-800-53-R4"
    NIST_R5 = "NIST-800-53-R5"
    HIPAA = "HIPAA-Security"
    PCI = "PCI-DSS-3.2.1"
