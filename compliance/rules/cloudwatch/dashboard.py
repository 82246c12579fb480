"""The dashboard shows every region, and each widget names its region."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from compliance.cfn.arns import regions_of
from compliance.cfn.references import render
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_DASHBOARD: Final = "AWS::CloudWatch::Dashboard"


def _violations(dashboard: Resource, world: TemplateSet) -> Iterator[str]:
    shown: set[str] = set()
    for index, widget in enumerate(_metric_widgets(dashboard)):
        region = widget.get("region")
        if not region:
            yield f"widgets[{index}] ({widget.get('title', 'no title')}) has no region, so the viewer's region decides"
        shown.update(_regions_in(widget))
    missing = sorted(region for region in regions_of(world) if region not in shown)
    if missing:
        yield f"no widget shows {', '.join(missing)}"


def _metric_widgets(dashboard: Resource) -> Iterator[dict[str, Any]]:
    body = dashboard.properties.get("DashboardBody")
    text = "" if is_absent(body) else render(body, dashboard.template)
    try:
        widgets = json.loads(text)["widgets"]
        properties = [(widget["type"], widget.get("properties", {})) for widget in widgets]
    except (ValueError, KeyError, TypeError):
        raise UnresolvedError("DashboardBody is not a dashboard's JSON that the template spells out") from None
    yield from (each for kind, each in properties if kind == "metric" and isinstance(each, dict))


def _regions_in(widget: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(widget.get("region"), str):
        yield widget["region"]
    for metric in widget.get("metrics", []):
        options = metric[-1] if isinstance(metric, list) and metric else None
        if isinstance(options, dict) and isinstance(options.get("region"), str):
            yield options["region"]


RULE = Rule(
    title="A dashboard shows every region, and each metric widget sets its region",
    why=(
        "In a failover, operators compare both regions on one page, opened in a region that still works. A widget without a "
        "region shows the metrics of the region in which the page is opened."
    ),
    fix="Set region on every metric widget, and have a widget for each region.",
    judge=rule_from(_violations, _DASHBOARD),
    controls=nist("CA-7", "SI-4") + hipaa("164.308(a)(7)(ii)(C)", "164.312(b)"),
)
