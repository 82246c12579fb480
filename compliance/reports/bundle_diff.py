"""Compare two evidence bundles: templates, rules, verdicts and decisions."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from compliance.cfn.loading import LoadError, parse
from compliance.reports.places import TEMPLATES
from reporting.bundle import unpack
from reporting.text import counted, printable

_REPORT: Final = "report.json"
_PLACE: Final = ("rule", "configuration", "region", "path")
_BADNESS: Final = ("PASS", "ACKNOWLEDGED", "NOT_EVALUATED", "FAIL")
Items = Mapping[str, Any]
"""The compared things, by a name that a reader knows."""


class BundleError(Exception):
    """Raised for a bundle that was changed or holds no report of the gate. The message names the file."""


def diff(old: Path, new: Path) -> list[str]:
    """Return a line for each difference between two bundles, under a heading for each kind; empty if there is none.

    Raises:
        BundleError: One of them cannot be compared.
    """
    before, after = _read(old), _read(new)
    return [line for kind in _KINDS for line in _section(kind, _KINDS[kind](before), _KINDS[kind](after))]


def _read(bundle: Path) -> dict[str, Any]:
    """Return the members of a bundle, its report and its templates parsed."""
    try:
        members: dict[str, Any] = dict(unpack(bundle))
        members[_REPORT] = json.loads(members[_REPORT])
        if not isinstance(members[_REPORT], dict):
            raise ValueError(f"{_REPORT} is not an object")  # noqa: TRY004, TRY301 - like the other errors
        for name in [each for each in members if each.startswith(f"{TEMPLATES}/")]:
            members[name] = parse(Path(name), members[name].decode("utf-8"))
    except (ValueError, KeyError, OSError, RecursionError, LoadError) as error:
        raise BundleError(f"{bundle}: cannot be compared: {error}; give the evidence.zip of a run") from error
    return members


def _templates(members: Mapping[str, Any]) -> Items:
    """Return each resource of each template, and the rest of the template."""
    found: dict[str, Any] = {}
    for name, body in members.items():
        if name.startswith(f"{TEMPLATES}/"):
            place = name.removeprefix(f"{TEMPLATES}/")
            resources = body.get("Resources", {}) if isinstance(body, Mapping) else {}
            found |= {f"{place} {logical_id}": resource for logical_id, resource in resources.items()}
            found[place] = {key: value for key, value in body.items() if key != "Resources"} if resources else body
    return found


def _rules(members: Mapping[str, Any]) -> Items:
    return {str(rule["id"]): rule for rule in _listed(members, "rules")}


def _verdicts(members: Mapping[str, Any]) -> Items:
    """Return the worst verdict of each rule and place; a rule may report several rows for one place."""
    found: dict[str, str] = {}
    for row in _listed(members, "findings"):
        place = " ".join(str(row[name]) for name in _PLACE if row.get(name))
        found[place] = max(found.get(place, "PASS"), str(row.get("verdict")), key=_rank)
    return found


def _rank(verdict: str) -> int:
    return _BADNESS.index(verdict) if verdict in _BADNESS else len(_BADNESS)


def _decisions(members: Mapping[str, Any]) -> Items:
    return {
        str(use["id"]): {key: value for key, value in use.items() if key != "acknowledged"}
        for use in _listed(members, "decisions")
    }


def _listed(members: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    listed = members[_REPORT].get(key, [])
    if not isinstance(listed, list) or not all(
        isinstance(each, dict) and ("id" in each or "rule" in each) for each in listed
    ):
        raise BundleError(f"{_REPORT}: {key} is not a list of objects; give the evidence.zip of a run")
    return listed


_KINDS: Final[Mapping[str, Callable[[Mapping[str, Any]], Items]]] = {
    "Templates": _templates,
    "Rules": _rules,
    "Verdicts": _verdicts,
    "Decisions": _decisions,
}


def _section(kind: str, before: Items, after: Items) -> Iterator[str]:
    changed = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    if changed:
        yield f"{kind}: {counted(len(changed), 'difference')}"
    for name in changed:
        yield f"  {_sign(name, before, after)} {printable(name)}{printable(_detail(before.get(name), after.get(name)))}"


def _sign(name: str, before: Items, after: Items) -> str:
    return "+" if name not in before else "-" if name not in after else "~"


def _detail(before: Any, after: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(before, str | None) and isinstance(after, str | None):
        return f": {before or 'absent'} -> {after or 'absent'}"
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return ""
    keys = {**before.get("Properties", {}), **after.get("Properties", {})} if "Type" in before else {**before, **after}
    one, other = (before.get("Properties", {}), after.get("Properties", {})) if "Type" in before else (before, after)
    return f": {', '.join(sorted(str(key) for key in keys if one.get(key) != other.get(key))) or 'other attributes'}"
