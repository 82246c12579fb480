"""Write the data that others publish about controls: which control each check of prowler serves, and FedRAMP's lists.

    python -m compliance.controls.vendor --prowler CHECKOUT --fedramp CHECKOUT --baselines CHECKOUT

The checkouts are git clones of prowler-cloud/prowler, FedRAMP/docs and GSA/fedramp-automation. Of frameworks that are not
free, only identifiers are taken; the titles in the other catalogues of this folder are ours.
"""

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from compliance.controls.bridge import SOURCES, checks
from compliance.controls.catalogue import Framework, catalogue

_FOLDER: Final = Path(__file__).parent
_COMPLIANCE: Final = "prowler/compliance"
_FILES: Final = {
    Framework.PCI_4: "aws/pci_4.0_aws.json",
    Framework.CIS_3: "aws/cis_3.0_aws.json",
    Framework.CIS_7: "aws/cis_7.0_aws.json",
    Framework.FSBP: "aws/aws_foundational_security_best_practices_aws.json",
    Framework.SOC2: "aws/soc2_aws.json",
    Framework.ISO: "aws/iso27001_2022_aws.json",
    Framework.DORA: "dora_2022_2554.json",
}
"""prowler's file of each framework, below `prowler/compliance`."""
_BASELINE: Final = "dist/content/rev5/baselines/json/FedRAMP_rev5_MODERATE-baseline_profile.json"
_INDICATORS: Final = "FRMR.documentation.json"
_ENHANCEMENT: Final = re.compile(r"([A-Z]{2}-\d+)\.(\d+)")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    prowler: Annotated[Path, typer.Option(help="Clone of prowler-cloud/prowler.")],
    fedramp: Annotated[Path, typer.Option(help="Clone of FedRAMP/docs.")],
    baselines: Annotated[Path, typer.Option(help="Clone of GSA/fedramp-automation.")],
) -> None:
    """Write sources.json, fedramp-moderate.json and fedramp-20x.json again, from the clones' newest commits."""
    clones = {"prowler": prowler, "fedramp": fedramp, "baselines": baselines}
    commits = {name: _git(clone, "rev-parse", "HEAD").strip() for name, clone in clones.items()}
    _write(
        SOURCES.name,
        {
            "source": "https://github.com/prowler-cloud/prowler",
            "commit": commits["prowler"],
            "licence": "Apache-2.0, Copyright 2024 Prowler Inc. Identifiers only, without the texts of the frameworks.",
            "files": {framework: f"{_COMPLIANCE}/{file}" for framework, file in _FILES.items()},
            "checks": _checks(prowler),
        },
    )
    _write(
        "fedramp-moderate.json",
        {
            "framework": Framework.FEDRAMP,
            "title": "FedRAMP Moderate, revision 5: the baseline's controls of NIST 800-53",
            "source": f"https://github.com/GSA/fedramp-automation at {commits['baselines']}, {_BASELINE}; a work of the "
            "United States government, in the public domain.",
            **_baseline(baselines),
        },
    )
    _write(
        "fedramp-20x.json",
        {
            "framework": Framework.KSI,
            "title": "FedRAMP 20x: Key Security Indicators",
            "source": f"https://github.com/FedRAMP/docs at {commits['fedramp']}, {_INDICATORS}; a work of the United States "
            "government, in the public domain. `references` are its own, to NIST 800-53 revision 5.",
            **_indicators(fedramp),
        },
    )


def _checks(prowler: Path) -> dict[str, dict[str, list[str]]]:
    """Return the controls of each check in bridge.toml, by framework."""
    found: dict[str, dict[str, set[str]]] = {check: defaultdict(set) for check in checks()}
    for framework, file in _FILES.items():
        document = json.loads(_git(prowler, "show", f"HEAD:{_COMPLIANCE}/{file}"))
        for requirement in document.get("Requirements") or document["requirements"]:
            named = requirement["Checks"] if "Checks" in requirement else requirement["checks"].get("aws", [])
            for check in found.keys() & set(named):
                found[check][framework].add(_control(framework, requirement))
    return {
        check: {framework: sorted(controls, key=_natural) for framework, controls in sorted(served.items())}
        for check, served in sorted(found.items())
    }


def _control(framework: Framework, requirement: Mapping[str, Any]) -> str:
    """Return the framework's own id of a requirement.

    Raises:
        ValueError: The catalogue does not have it.
    """
    control: str
    match framework:
        case Framework.PCI_4:  # prowler numbers the checks below each requirement
            control = requirement["Attributes"][0]["Section"].partition(":")[0].strip()
        case Framework.SOC2:
            control = requirement["Name"].partition(" ")[0]
        case Framework.DORA:
            control = requirement["attributes"]["Article"]
        case _:
            control = str(requirement["Id"])
    if control not in catalogue(framework):
        raise ValueError(f"{framework} has no control {control!r}; add it to the catalogue")
    return control


def _baseline(clone: Path) -> dict[str, Any]:
    profile = json.loads(_git(clone, "show", f"HEAD:{_BASELINE}"))["profile"]
    titles = catalogue(Framework.NIST_R5)
    groups = [group for part in profile["imports"] for group in part["include-controls"]]
    controls = [_spelled(identifier) for group in groups for identifier in group["with-ids"]]
    return {
        "controls": {control: titles[control] for control in controls},
        "references": {control: [control] for control in controls},
    }


def _indicators(clone: Path) -> dict[str, Any]:
    themes = json.loads(_git(clone, "show", f"HEAD:{_INDICATORS}"))["KSI"]
    indicators = {name: each for theme in themes.values() for name, each in theme["indicators"].items()}
    known = catalogue(Framework.NIST_R5)
    return {
        "controls": {name: each["name"] for name, each in indicators.items()},
        "references": {
            name: [control for control in map(_spelled, each.get("controls", ())) if control in known]
            for name, each in indicators.items()
        },
    }


def _spelled(identifier: str) -> str:
    """Return an OSCAL id as NIST writes it: `SC-28(1)` for `sc-28.1`."""
    return _ENHANCEMENT.sub(r"\1(\2)", identifier.upper())


def _natural(control: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", control)]


def _git(clone: Path, *arguments: str) -> str:
    command = ["git", "-C", str(clone), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - git, by a clone's path


def _write(name: str, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, indent=1, ensure_ascii=False)
    text = re.sub(r"\[\s+((?:\"[^\"]*\",?\s*)+)\]", lambda found: "[" + " ".join(found[1].split()) + "]", text)
    (_FOLDER / name).write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    app()
