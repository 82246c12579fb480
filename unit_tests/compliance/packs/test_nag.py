"""Reading the packs' answers: a pack that did not run to its end never counts as passed."""

import json
from pathlib import Path
from typing import Any

import pytest

from compliance.cfn.templates import TemplateSet
from compliance.engine.findings import Severity, Verdict
from compliance.engine.judge import FindingsBuilder
from compliance.packs.nag import PACKS, NagError, read
from unit_tests.compliance.fixtures import good, template

WORLD = TemplateSet(templates=(template(good()),), environment="prod")
BY_PATH = {resource.path: resource for resource in WORLD.templates[0].resources}
QUEUE = "us-east-1/Queue"


def _read(folder: Path, *plugins: dict[str, Any]) -> FindingsBuilder:
    (folder / "validation-report.json").write_text(json.dumps({"pluginReports": list(plugins)}))
    for pack in set(PACKS) - {file.name.split(".", 1)[1].removesuffix(".json") for file in folder.glob("nag-verdicts.*")}:
        (folder / f"nag-verdicts.{pack}.json").write_text(json.dumps({"pack": pack, "seen": list(BY_PATH), "rules": {}}))
    return read(folder, WORLD, BY_PATH.get)


def _plugin(name: str, severity: str = "error", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    violation = {
        "ruleName": f"{name}-Rule",
        "description": "The queue is bare - (Control IDs: AC-2(g), AU-3). It should not be. Really.",
        "severity": severity,
        "violatingConstructs": [{"constructPath": QUEUE}],
    }
    return {"pluginName": name, "violations": [violation], **more}


def test_assembly_without_a_report_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NagError, match="nothing was judged"):
        read(tmp_path, WORLD, BY_PATH.get)


@pytest.mark.parametrize("name", ["AwsSolutions", "Lockstep", "CloudFormation"])
def test_plugin_that_failed_is_not_evaluated(tmp_path: Path, name: str) -> None:
    (row,) = _read(tmp_path, {"pluginName": name, "violations": [], "metadata": {"error": "it broke"}}).rows

    assert (row.rule, row.verdict, row.message) == (f"{name}::Ran", Verdict.NOT_EVALUATED, "it broke")


def test_pack_without_a_record_is_not_evaluated(tmp_path: Path) -> None:
    assert not _read(tmp_path).rows
    (tmp_path / "nag-verdicts.Serverless.json").unlink()

    assert {row.rule for row in read(tmp_path, WORLD, BY_PATH.get).rows} == {"Serverless::Ran"}


def test_violation_has_a_place_and_a_split_description(tmp_path: Path) -> None:
    found = _read(tmp_path, _plugin("NIST.800.53.R4"))

    (row,) = found.rows
    assert (row.verdict, row.path, row.logical_id, row.region) == (Verdict.FAIL, QUEUE, "Queue", "us-east-1")
    rule = found.rules[row.rule]
    assert (rule.title, rule.why, rule.controls) == (
        "The queue is bare",
        "It should not be. Really.",
        ("NIST-800-53-R4:AC-2", "NIST-800-53-R4:AU-3"),
    )


def test_finding_that_the_cdk_suppressed_is_reported(tmp_path: Path) -> None:
    plugin = _plugin("AwsSolutions")

    (row,) = _read(tmp_path, {**plugin, "violations": [], "suppressedViolations": plugin["violations"]}).rows

    assert row.verdict is Verdict.FAIL


def test_warning_of_a_pack_fails_and_of_the_cdk_is_advice(tmp_path: Path) -> None:
    found = _read(tmp_path, _plugin("AwsSolutions", "warning"), _plugin("Construct Annotations", "warning"))

    (row,) = found.rows
    assert (row.verdict, found.rules[row.rule].severity) == (Verdict.FAIL, Severity.WARNING)
    assert [advice.rule for advice in found.advice] == ["Construct-Annotations::Construct Annotations-Rule"]


def _record(folder: Path, answers: str, **more: Any) -> None:  # noqa: ANN401
    """Return the record of one rule that was asked about the queue, the topic queue and the bucket."""
    rule = {"info": "It is bare.", "explanation": "Why.", "level": "Error", "answers": answers, "found": {}, "threw": {}}
    seen = ["us-east-1/Queue", "us-east-1/Fifo", "us-east-1/Bucket"]
    record = {"pack": "AwsSolutions", "seen": seen, "rules": {"AwsSolutions-Rule": {**rule, **more}}}
    (folder / "nag-verdicts.AwsSolutions.json").write_text(json.dumps(record))


def _by_id(found: FindingsBuilder) -> dict[str, Verdict]:
    rows = [row for row in found.rows if row.rule.startswith("AwsSolutions::AwsSolutions-Rule")]
    silent = {place.logical_id: Verdict.NOT_APPLICABLE for place in found.silent.get("AwsSolutions::AwsSolutions-Rule", [])}
    return {row.logical_id + row.rule.partition("Rule")[2]: row.verdict for row in rows} | silent


@pytest.mark.parametrize(
    ("answers", "more", "verdicts"),
    [
        ("PPP", {}, {"Queue": Verdict.PASS, "Fifo": Verdict.PASS, "Bucket": Verdict.PASS}),
        ("NFT", {}, {"Queue": Verdict.NOT_APPLICABLE, "Fifo": Verdict.FAIL, "Bucket": Verdict.NOT_EVALUATED}),
        (".NN", {}, {"Queue": Verdict.NOT_EVALUATED, "Fifo": Verdict.NOT_APPLICABLE, "Bucket": Verdict.NOT_APPLICABLE}),
        (
            "FNN",
            {"found": {"0": ["a", "b"]}},
            {
                "Queue[a]": Verdict.FAIL,
                "Queue[b]": Verdict.FAIL,
                "Fifo": Verdict.NOT_APPLICABLE,
                "Bucket": Verdict.NOT_APPLICABLE,
            },
        ),
    ],
)
def test_recorded_answer_is_a_row(tmp_path: Path, answers: str, more: dict[str, Any], verdicts: dict[str, Verdict]) -> None:
    _record(tmp_path, answers, **more)

    assert _by_id(_read(tmp_path)) == verdicts


def test_rule_that_threw_is_distinguished_from_one_that_failed(tmp_path: Path) -> None:
    _record(tmp_path, "FTN", threw={"1": "Cannot read 'x'"})
    both = _plugin("AwsSolutions")
    both["violations"][0]["violatingConstructs"].append({"constructPath": "us-east-1/Fifo"})

    found = _read(tmp_path, both)

    assert _by_id(found) == {"Queue": Verdict.FAIL, "Fifo": Verdict.NOT_EVALUATED, "Bucket": Verdict.NOT_APPLICABLE}
    assert [row.message for row in found.rows if row.logical_id == "Fifo" and "Rule" in row.rule] == [
        "the rule threw: Cannot read 'x'"
    ]


def test_failure_missing_from_the_cdk_report_is_found(tmp_path: Path) -> None:
    _record(tmp_path, "FNN")

    assert _by_id(_read(tmp_path, {"pluginName": "AwsSolutions", "violations": []}))["Queue"] is Verdict.FAIL


def test_failure_missing_from_the_record_is_found(tmp_path: Path) -> None:
    _record(tmp_path, "PNN")

    rows = [row for row in _read(tmp_path, _plugin("AwsSolutions")).rows if row.logical_id == "Queue" and "Rule" in row.rule]

    assert {row.verdict for row in rows} == {Verdict.PASS, Verdict.FAIL}


def test_resource_missing_from_the_record_is_not_evaluated(tmp_path: Path) -> None:
    _record(tmp_path, "PPP")

    unseen = {row.logical_id for row in _read(tmp_path).rows if row.rule == "AwsSolutions::Ran"}

    assert unseen == set(good()) - {"Queue", "Fifo", "Bucket"}
