"""The frameworks, and the short way in which a rule of ours says what it serves."""

from enum import StrEnum


class Framework(StrEnum):
    """A set of controls, by the name that reports and `--framework` use."""

    NIST_R4 = "NIST-800-53-R4"
    NIST_R5 = "NIST-800-53-R5"
    HIPAA = "HIPAA-Security"
    PCI = "PCI-DSS-3.2.1"


def nist(*controls: str) -> tuple[str, ...]:
    """The same controls of both revisions of NIST 800-53, for example `nist("CP-9", "SC-28")`."""
    return tuple(f"{framework}:{control}" for framework in (Framework.NIST_R4, Framework.NIST_R5) for control in controls)


def hipaa(*controls: str) -> tuple[str, ...]:
    """Sections of the HIPAA Security Rule, for example `hipaa("164.312(e)(1)")`."""
    return tuple(f"{Framework.HIPAA}:{control}" for control in controls)


def pci(*controls: str) -> tuple[str, ...]:
    """Requirements of PCI DSS 3.2.1, for example `pci("10.5.5")`."""
    return tuple(f"{Framework.PCI}:{control}" for control in controls)
