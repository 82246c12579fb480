"""Properties that a trail must have, beside its settings."""

from typing import Final

from compliance.cfn.reading import require_list
from compliance.controls import hipaa, nist, pci
from compliance.engine.requirements import Property, require

_TRAIL: Final = "AWS::CloudTrail::Trail"
_INSIGHTS: Final = {"ApiCallRateInsight", "ApiErrorRateInsight"}


def _has_insights(found: Property) -> str | None:
    entries = require_list(found.value, found.place)
    named = {entry.get("InsightType") for entry in entries if isinstance(entry, dict)}
    return None if named & _INSIGHTS else found.refused("a list with InsightType ApiCallRateInsight or ApiErrorRateInsight")


RULES: Final = (
    require(
        _TRAIL,
        "InsightSelectors",
        _has_insights,
        id="insights",
        title="A trail records unusual rates of calls and of errors",
        why="A stolen credential shows in calls that nobody made before. Without Insights, somebody must look for them.",
        fix="Set InsightSelectors to ApiCallRateInsight and ApiErrorRateInsight.",
        controls=nist("AU-6", "SI-4") + hipaa("164.308(a)(1)(ii)(D)", "164.312(b)") + pci("10.6"),
    ),
)
