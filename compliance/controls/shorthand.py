"""The short way in which a rule of ours says what it serves."""

from compliance.controls.catalogue import qualified
from compliance.controls.frameworks import Framework


def nist(*controls: str) -> tuple[str, ...]:
    """The same controls of both revisions of NIST 800-53, for example `nist("CP-9", "SC-28")`.

    An enhancement that a revision does not have stands for its control there.
    """
    return (*qualified(Framework.NIST_R4, controls), *qualified(Framework.NIST_R5, controls))


def hipaa(*controls: str) -> tuple[str, ...]:
    """Sections of the HIPAA Security Rule, for example `hipaa("164.312(e)(1)")`."""
    return qualified(Framework.HIPAA, controls)


def pci(*controls: str) -> tuple[str, ...]:
    """Requirements of PCI DSS 3.2.1, for example `pci("10.5.5")`."""
    return qualified(Framework.PCI, controls)
