"""The frameworks' lists of controls, and the controls that an id refers to."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final


class Framework(StrEnum):
    """A set of controls, by the name that reports and `--framework` use."""

    NIST_R4 = "NIST-800-53-R4"
    NIST_R5 = "NIST-800-53-R5"
    HIPAA = "HIPAA-Security"
    PCI = "PCI-DSS-3.2.1"


_FILES: Final = {
    Framework.NIST_R4: "nist-800-53-r4.json",
    Framework.NIST_R5: "nist-800-53-r5.json",
    Framework.HIPAA: "hipaa-security.json",
    Framework.PCI: "pci-dss-3.2.1.json",
}
_NIST: Final = re.compile(r"(?P<base>[A-Z]{2}-\d+)[a-z.\d]*(?P<rest>(\(\w+\))*)")
_PART: Final = re.compile(r"\((\w+)\)")


class UnknownControlError(ValueError):
    """Raised for an id that is not a control of its framework."""


@cache
def catalogue(framework: Framework) -> Mapping[str, str]:
    """Return the title of each control, by id, in the framework's own order."""
    file = Path(__file__).parent / _FILES[framework]
    controls: dict[str, str] = json.loads(file.read_text("utf-8"))["controls"]
    return controls


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
