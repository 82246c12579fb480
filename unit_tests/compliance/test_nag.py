"""Reading the packs' answers: a pack that did not run, or not to its end, is never a clean pack."""

import json
from pathlib import Path
from typing import Any

import pytest

from compliance.judge import Findings
from compliance.ledger import Severity, Verdict
from compliance.nag import PACKS, NagError, read
from compliance.templates import World
from unit_tests.compliance.worlds import good, template

WORLD = World(templates=(template(good()),), environment="prod")
BY_PATH = {resource.path: resource for resource in WORLD.templates[0].resources}
QUEUE = "us-east-1/Queue"


def _read(folder: Path, *plugins: dict[str, Any], recorded: bool = False) -> Findings:
    (folder / "validation-report.json").write_text(json.dumps({"pluginReports": list(plugins)}))
    return read(folder, WORLD, BY_PATH.get, recorded=recorded)


def _plugin(name: str, severity: str = "error", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    violation = {
        "ruleName": f"{name}-Rule",
        "description": "The queue is bare - (Control IDs: AC-2(g), AU-3). It should not be. Really.",
        "severity": severity,
        "violatingConstructs": [{"constructPath": QUEUE}],
    }
    return {"pluginName": name, "violations": [violation], **more}


def test_no_report_means_that_nothing_was_judged(tmp_path: Path) -> None:
    with pytest.raises(NagError, match="nothing was judged"):
        read(tmp_path, WORLD, BY_PATH.get, recorded=True)


@pytest.mark.parametrize("name", ["AwsSolutions", "Lockstep", "CloudFormation"])
def test_a_plugin_that_broke_is_not_evaluated(tmp_path: Path, name: str) -> None:
    (row,) = _read(tmp_path, {"pluginName": name, "violations": [], "metadata": {"error": "it broke"}}).rows

    assert (row.rule, row.verdict, row.message) == (f"{name}::Ran", Verdict.NOT_EVALUATED, "it broke")


def test_a_pack_that_left_no_record_is_not_evaluated_where_records_are_kept(tmp_path: Path) -> None:
    assert not _read(tmp_path).rows
    assert {row.rule for row in _read(tmp_path, recorded=True).rows} == {f"{pack}::Ran" for pack in PACKS}


def test_a_violation_is_placed_and_its_description_parted(tmp_path: Path) -> None:
    found = _read(tmp_path, _plugin("NIST.800.53.R4"))

    (row,) = found.rows
    assert (row.verdict, row.path, row.logical_id, row.region) == (Verdict.FAIL, QUEUE, "Queue", "us-east-1")
    rule = found.rules[row.rule]
    assert (rule.title, rule.why, rule.controls) == (
        "The queue is bare",
        "It should not be. Really.",
        ("AC-2(g)", "AU-3"),
    )


def test_what_the_cdk_suppressed_is_still_found_for_the_registry_alone_decides(tmp_path: Path) -> None:
    plugin = _plugin("AwsSolutions")

    (row,) = _read(tmp_path, {**plugin, "violations": [], "suppressedViolations": plugin["violations"]}).rows

    assert row.verdict is Verdict.FAIL


def test_a_pack_s_warning_fails_and_the_cdk_s_own_is_advice(tmp_path: Path) -> None:
    found = _read(tmp_path, _plugin("AwsSolutions", "warning"), _plugin("Construct Annotations", "warning"))

    (row,) = found.rows
    assert (row.verdict, found.rules[row.rule].severity) == (Verdict.FAIL, Severity.WARNING)
    assert [advice.rule for advice in found.advice] == ["Construct-Annotations::Construct Annotations-Rule"]
