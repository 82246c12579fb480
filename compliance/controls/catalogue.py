"""The frameworks' lists of controls, and the controls that an id refers to."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final, NotRequired, TypedDict


class Framework(StrEnum):
    """A set of controls, by the name that reports and `--framework` use."""

    NIST_R4 = "NIST-800-53-R4"
    NIST_R5 = "NIST-800-53-R5"
    HIPAA = "HIPAA-Security"
    PCI_4 = "PCI-DSS-4.0.1"
    CIS_3 = "CIS-AWS-3.0"
    CIS_7 = "CIS-AWS-7.0"
    FSBP = "AWS-FSBP"
    SOC2 = "SOC2"
    CSF = "NIST-CSF-2.0"
    FEDRAMP = "FedRAMP-Moderate"
    KSI = "FedRAMP-20x"
    ISO = "ISO-27001-2022"
    DORA = "DORA"
    PCI = "PCI-DSS-3.2.1"
    """Retired on 31 March 2024. cdk-nag's pack PCI.DSS.321 names its requirements, and has no newer pack."""


_FILES: Final = {
    Framework.NIST_R4: "nist-800-53-r4.json",
    Framework.NIST_R5: "nist-800-53-r5.json",
    Framework.HIPAA: "hipaa-security.json",
    Framework.PCI_4: "pci-dss-4.0.1.json",
    Framework.CIS_3: "cis-aws-3.0.json",
    Framework.CIS_7: "cis-aws-7.0.json",
    Framework.FSBP: "aws-fsbp.json",
    Framework.SOC2: "soc2.json",
    Framework.CSF: "nist-csf-2.0.json",
    Framework.FEDRAMP: "fedramp-moderate.json",
    Framework.KSI: "fedramp-20x.json",
    Framework.ISO: "iso-27001-2022.json",
    Framework.DORA: "dora.json",
    Framework.PCI: "pci-dss-3.2.1.json",
}
_NIST: Final = re.compile(r"(?P<base>[A-Z]{2}-\d+)[a-z.\d]*(?P<rest>(\(\w+\))*)")
_PART: Final = re.compile(r"\((\w+)\)")


class UnknownControlError(ValueError):
    """Raised for an id that is not a control of its framework."""


class Catalogue(TypedDict):
    """A framework's file in this folder.

    Attributes:
        framework: Its name, one of Framework.
        title: Its title and version.
        source: Where the ids, the titles and the references come from.
        controls: The title of each control, by id, in the framework's own order.
        references: The controls of NIST 800-53 revision 5 that each control refers to, where its publisher says so.
    """

    framework: str
    title: str
    source: str
    controls: Mapping[str, str]
    references: NotRequired[Mapping[str, Sequence[str]]]


@cache
def published(framework: Framework) -> Catalogue:
    """Return what a framework's file says."""
    document: Catalogue = json.loads((Path(__file__).parent / _FILES[framework]).read_text("utf-8"))
    return document


def catalogue(framework: Framework) -> Mapping[str, str]:
    """Return the title of each control, by id, in the framework's own order."""
    return published(framework)["controls"]


@cache
def resolve(framework: Framework, text: str) -> tuple[str, ...]:
    """Return the controls that an id refers to, in the spelling of the catalogue.

    Packs name parts of controls, several at once: `AC-2(g)` is a statement of AC-2, `AU-6(1)(3)` are two enhancements
    of AU-6, and `SC-7(9)(a)` is a statement of one.

    Raises:
        UnknownControlError: The framework does not have it.
    """
    known = catalogue(framework)
    if text in known:
        return (text,)
    nist = _NIST.fullmatch(text) if framework in {Framework.NIST_R4, Framework.NIST_R5} else None
    if not nist or nist["base"] not in known:
        raise UnknownControlError(
            f"{text!r} is no control of {framework}; compliance/controls/{_FILES[framework]} lists them"
        )
    base = nist["base"]
    enhancements = (f"{base}({part})" for part in _leading_numbers(nist["rest"]))
    return tuple(enhancement for enhancement in enhancements if enhancement in known) or (base,)


def _leading_numbers(parts: str) -> Iterator[str]:
    """Yield the enhancements at the beginning of an id; numbers after a letter are statements below it."""
    for part in _PART.findall(parts):
        if not part.isdigit():
            return
        yield part


@cache
def split(control: str) -> tuple[Framework, str]:
    """Return the framework and the id of `<framework>:<control>`.

    Raises:
        UnknownControlError: There is no such framework.
    """
    name, _, identifier = control.partition(":")
    if name not in set(Framework):
        raise UnknownControlError(
            f"{control!r} names no framework; write <framework>:<control>, one of {', '.join(Framework)}"
        )
    return Framework(name), identifier


def qualified(framework: Framework, controls: Iterable[str]) -> tuple[str, ...]:
    """Return the controls that these ids refer to, each as `<framework>:<control>`, without duplicates.

    Raises:
        UnknownControlError: The framework does not have one of them.
    """
    meant = (control for text in controls for control in resolve(framework, text))
    return tuple(dict.fromkeys(f"{framework}:{control}" for control in meant))


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
