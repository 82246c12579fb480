"""The command exits with 0 for a pass, 1 for findings and 2 for every error."""

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from typer.testing import CliRunner, Result

import compliance
from compliance.__main__ import FailOn, app, outcome, status
from compliance.engine.baseline import Changes
from compliance.engine.findings import Advice, Finding, Findings, RuleInfo, Severity, Verdict
from compliance.packs import nag
from reporting.bundle import pack

SAMPLE = "unit_tests.compliance.sample"
YAML = """
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Join ["-", [serverless, ingest, prod]]
      DelaySeconds: !If [Never, 1, !Ref AWS::NoValue]
Conditions:
  Never: !Equals [a, b]
"""
GOOD = """
Resources:
  Alias:
    Type: AWS::KMS::Alias
    Properties: {AliasName: alias/serverless-data-prod, TargetKeyId: alias/aws/s3}
"""


ONE = ("--environment", "prod")
"""One configuration is judged in this process, which is faster than the processes of several."""
JSON = ("--format", "json")
"""The report that the test reads; all of them take twice as long."""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CDK_CONTEXT_JSON", "{}")


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def _write(name: str, text: str) -> str:
    Path(name).write_text(text)
    return name


def _written() -> set[str]:
    return {file.name for file in Path("reports/compliance").iterdir()}


def _report() -> dict[str, object]:
    report = json.loads(Path("reports/compliance/report.json").read_text())
    _validator().validate(report)
    return dict(report)


@cache
def _validator() -> Any:  # noqa: ANN401 - jsonschema has no types
    """Return the schema's validator; it skips list items that it has validated before."""
    schema = json.loads((Path(compliance.__file__).parent / "report.schema.json").read_text())
    stock = jsonschema.Draft202012Validator.VALIDATORS["items"]
    valid: set[str] = set()

    def items(validator: Any, of: Any, held: list[Any], parent: Any) -> Iterator[Any]:  # noqa: ANN401 - likewise
        new = {text: item for item in held if (text := json.dumps([of, item])) not in valid}
        errors = list(stock(validator, of, list(new.values()), parent))
        if not errors:
            valid.update(new)
        yield from errors

    extended = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"items": items})
    return extended(schema, format_checker=jsonschema.FormatChecker())


def test_validator_rejects_a_forbidden_item_each_time() -> None:
    _run("--template", _write("good.yaml", GOOD), *JSON)
    report = _report()
    controls: Any = report["controls"]
    controls[-1]["status"] = "no status"
    for _ in range(2):
        with pytest.raises(jsonschema.ValidationError, match="no status"):
            _validator().validate(report)


def test_template_with_findings_exits_1_with_every_report() -> None:
    result = _run("--template", _write("queue.yaml", YAML), "--region", "us-east-1")

    assert result.exit_code == 1, result.output
    assert "AwsSolutions::AwsSolutions-SQS4" in result.output
    assert "Tagging::Tagging-Required" in result.output
    assert {"report.json", "report.sarif", "junit.xml", "summary.md", "index.html", "evidence.zip"} <= _written()
    assert _report()["passed"] is False
    assert "acknowledgements.toml" not in result.output, "no decision covers a template"


def test_json_and_yaml_with_short_forms_are_judged_alike() -> None:
    resource = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "serverless-ingest-prod"}}
    rules = []
    for name, text in (("t.yaml", YAML), ("t.json", json.dumps({"Resources": {"Queue": resource}}))):
        assert _run("--template", f"{_write(name, text)}@us-west-2", *JSON).exit_code == 1
        report = _report()
        assert report["templates"][0]["region"] == "us-west-2"  # type: ignore[index]
        rules.append(sorted((row["rule"], row["verdict"]) for row in report["findings"]))  # type: ignore[attr-defined]

    assert rules[0] == rules[1]


def test_template_without_findings_exits_0() -> None:
    result = _run("--template", _write("good.yaml", GOOD))

    assert result.exit_code == 0, result.output
    assert "PASSED" in result.output
    assert _report()["passed"] is True


def test_pack_rule_that_throws_is_not_evaluated_and_exits_1() -> None:
    resources = "Resources: {B: {Type: 'AWS::S3::Bucket', Properties: {VersioningConfiguration: {Status: !Ref P}}}}"

    assert _run("--template", _write("t.yaml", f"Parameters: {{P: {{Type: String}}}}\n{resources}"), *JSON).exit_code == 1

    verdicts = {row["rule"]: row["verdict"] for row in _report()["findings"]}  # type: ignore[attr-defined]
    assert verdicts["PCI.DSS.321::PCI.DSS.321-S3BucketVersioningEnabled"] == "NOT_EVALUATED"


def test_several_templates_are_judged_together() -> None:
    first, second = f"{_write('a.yaml', GOOD)}@us-east-1", f"{_write('b.yaml', YAML)}@us-west-2"

    result = _run("--template", first, "--template", second, *JSON)

    assert result.exit_code == 1
    assert [template["name"] for template in _report()["templates"]] == ["a.yaml", "b.yaml"]  # type: ignore[attr-defined]


def test_files_of_one_name_in_two_regions_are_distinguished() -> None:
    for folder in ("a", "b"):
        Path(folder).mkdir()
    bare = "Resources: {Bare: {Type: 'AWS::SQS::Queue'}}"
    first, second = f"{_write('a/1.yaml', bare)}@us-east-1", f"{_write('b/1.yaml', bare)}@us-west-2"
    alone = _rows_of("--template", first)
    Path("reports/compliance/report.json").rename("one.json")

    both = _rows_of("--template", first, "--template", second)
    Path("reports/compliance/report.json").rename("both.json")

    for rule in alone:
        assert {region for _, region in both[rule]} == {"us-east-1", "us-west-2"}, rule
        assert len({stack for stack, _ in both[rule]}) == 2, rule
    again = ("--template", first, "--template", second, "--fail-on", "new", *JSON, "--baseline")
    assert _run(*again, "both.json").exit_code == 0
    assert _run(*again, "one.json").exit_code == 1


def _rows_of(*arguments: str) -> dict[str, list[tuple[str, str]]]:
    """Return the (template, region) of each failing row of each rule about a queue."""
    assert _run(*arguments, *JSON).exit_code == 1
    rows: dict[str, list[tuple[str, str]]] = {}
    for row in _report()["findings"]:  # type: ignore[attr-defined]
        if row["verdict"] == "FAIL" and row["resource_type"] == "AWS::SQS::Queue":
            rows.setdefault(row["rule"], []).append((row["stack"], row["region"]))
    return rows


def test_last_line_of_terminal_and_summary_names_the_threshold() -> None:
    template = ("--template", _write("queue.yaml", YAML), *JSON, "--format", "summary")
    _run(*template)
    Path("reports/compliance/report.json").rename("report.json")

    result = _run(*template, "--baseline", "report.json", "--fail-on", "new")

    assert result.exit_code == 0, result.output
    last = result.output.rstrip().splitlines()[-1]
    assert re.fullmatch(r"PASSED under --fail-on new: \d+ findings? open, none new", last)
    assert Path("reports/compliance/summary.md").read_text().rstrip().splitlines()[-1] == f"**{last}.**"


@pytest.mark.parametrize(
    ("rows", "advice", "fail_on", "changes", "says"),
    [
        ((), (), FailOn.WARNING, None, ""),
        (("warning",), (), FailOn.ERROR, None, "PASSED under --fail-on error: 1 finding open, none of them an error"),
        (("error", "warning"), (), FailOn.ERROR, None, "FAILED under --fail-on error: 2 findings open, 1 of them an error"),
        ((), (1,), FailOn.ADVICE, None, "FAILED under --fail-on advice: 0 findings open, 1 piece of advice"),
        (("error",), (), FailOn.NEW, Changes(), "PASSED under --fail-on new: 1 finding open, none new"),
    ],
)
def test_outcome_names_threshold_and_numbers(
    rows: tuple[str, ...], advice: tuple[int, ...], fail_on: FailOn, changes: Changes | None, says: str
) -> None:
    rules = {name: RuleInfo(id=name, title="t", why="w", fix="f", severity=Severity(name)) for name in ("error", "warning")}
    found = [Finding(rule=name, verdict=Verdict.FAIL, path="S/A") for name in rows]
    passing = Finding(rule="error", verdict=Verdict.PASS, path="S/B")
    pieces = tuple(Advice(rule="r", configuration="c", stack="s", path=str(each), message="m") for each in advice)
    ledger = Findings(findings=(*found, passing), rules=rules, judged_on=date(2026, 11, 24), advice=pieces)

    assert outcome(ledger, fail_on, changes) == says


def test_environment_option_sets_the_end_of_names() -> None:
    assert _run("--template", _write("good.yaml", GOOD), "--environment", "dev", *JSON).exit_code == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "neither JSON nor YAML"),
        ("Resources: {A: {Type: 'X::Y::Z', DependsOn: B}, B: {Type: 'X::Y::Z', DependsOn: A}}", "cycle"),
        ("Resources: {A: {Type: 'AWS::SQS::Queue', Properties: {QueueName: !Ref Gone}}}", "'Gone' not found"),
        ("Resources: {A: {Type: 'AWS::SQS::Queue', Properties: {DelaySeconds: [x]}}}", "not of type 'integer'"),
    ],
)
def test_unreadable_template_exits_2_with_the_reason(text: str, says: str) -> None:
    result = _run("--template", _write("bad.yaml", text))

    assert result.exit_code == 2, result.output
    assert "ERROR" in result.output
    assert says in result.output
    assert "Traceback" not in result.output
    assert not Path("reports").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--template", "none.yaml"), "cannot be read"),
        (("--assembly", "."), "not a cloud assembly"),
        (("--template", "a", "--assembly", "b"), "exclude each other"),
        (("--template", "a", "--environment", "prod", "--environment", "dev"), "give --environment once"),
        (("--region", "us-east-1"), "--region applies to --template only"),
        (
            ("--template", "good.yaml", "--region", "nonsense"),
            "--region 'nonsense' is not a region; give one like us-east-1",
        ),
        (
            ("--template", "good.yaml@mars-1"),
            "--template good.yaml@mars-1: 'mars-1' is not a region; give one like us-east-1",
        ),
        (("--template", "good.yaml", "--acknowledgements", "own.toml"), "--acknowledgements does not apply to --template"),
        (("--template", "good.yaml", "--output", "good.yaml"), "--output good.yaml: is a file; give a folder"),
        (("--app", "nonsense", *ONE), "is not <module>:<function>"),
        (("--app", "no.such.module:build", *ONE), "cannot be imported"),
        (("--app", f"{SAMPLE}:missing", *ONE), "cannot be imported"),
        (("--app", f"{SAMPLE}:refuse", *ONE), "no settings for prod"),
        (("--app", f"{SAMPLE}:build_empty_app", *ONE), "holds no stack"),
        (("--app", f"{SAMPLE}:build_empty_app"), "holds no stack"),
        (("--environment", "prod", "--matrix"), "exclude each other"),
        (("--configuration", "nowhere"), "it has prod, staging, dev"),
        (("--template", "a", "--matrix"), "without --matrix"),
        (("--format", "docx"), "choose from summary, html, pdf"),
        (("--framework", "ISO-27001"), "PCI-DSS-3.2.1"),
        (("--fail-on", "nothing"), "'error', 'warning', 'advice', 'new'"),
        (("--fail-on", "new"), "give --baseline REPORT.JSON"),
        (("--baseline", "none.json"), "none.json: cannot be read"),
        (("verify", "none.zip"), "none.zip: no such file"),
        (("verfy", "none.zip"), "No such command"),
        (("--acknowledgements", "none.toml"), "none.toml"),
        (("--no-such-option",), "No such option"),
    ],
)
def test_wrong_use_exits_2_with_the_reason(arguments: tuple[str, ...], says: str) -> None:
    _write("good.yaml", GOOD)

    result = _run(*arguments)

    assert result.exit_code == 2
    assert says in re.sub(r"[\s│]+", " ", result.output)
    assert "Traceback" not in result.output


def test_pdf_without_a_browser_exits_2_before_anything_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKSTEP_CHROMIUM", "/nowhere/chromium")

    result = _run("--template", "none.yaml", "--format", "pdf")

    assert result.exit_code == 2
    assert "--format pdf: LOCKSTEP_CHROMIUM is '/nowhere/chromium', which is no program." in result.output


def test_app_is_judged_in_every_environment_by_default() -> None:
    assert _run("--app", f"{SAMPLE}:build_app", *JSON).exit_code == 1
    assert _written() == {"report.json"}
    assert _report()["configurations"] == ["prod", "staging", "dev"]

    assert _run("--app", f"{SAMPLE}:build_app", "--environment", "dev", *JSON).exit_code == 1
    assert _report()["configurations"] == ["dev"]


def test_report_with_pack_or_framework_has_only_its_rules() -> None:
    file = _write("queue.yaml", YAML)

    assert _run("--template", file, "--pack", "Serverless", *JSON).exit_code == 1
    assert {row["rule"].partition("::")[0] for row in _report()["findings"]} == {"Serverless"}  # type: ignore[attr-defined]
    assert _run("--template", file, "--framework", "HIPAA-Security", *JSON).exit_code in {0, 1}
    rules = {rule["id"]: rule["controls"] for rule in _report()["rules"]}  # type: ignore[attr-defined]
    assert rules
    for name, controls in rules.items():
        assert name.endswith("::Ran") or any(control.startswith("HIPAA-Security:") for control in controls)


def test_pack_without_results_or_unknown_pack_exits_2() -> None:
    file = _write("good.yaml", GOOD)

    assert _run("--template", file, "--pack", "Acknowledgements").exit_code == 2
    unknown = _run("--template", file, "--pack", "AwsSolution")
    assert unknown.exit_code == 2
    assert "the packs are" in unknown.output
    assert "AwsSolutions" in unknown.output


def test_fail_on_new_with_a_baseline_fails_only_new_findings() -> None:
    queue, alias = _write("queue.yaml", YAML), _write("good.yaml", GOOD)
    assert _run("--template", queue, *JSON).exit_code == 1
    before = str(Path("reports/compliance/report.json").rename("before.json"))

    since = ("--baseline", before, "--fail-on", "new", "--format", "summary")
    assert _run("--template", queue, *since).exit_code == 0
    assert _run("--template", queue, "--baseline", before, "--format", "summary").exit_code == 1
    assert _run("--template", queue, "--template", alias, "--environment", "dev", *since).exit_code == 1
    assert "ince the baseline" in Path("reports/compliance/summary.md").read_text()


def test_status_depends_on_fail_on() -> None:
    warned, untidy = _ledger(Severity.WARNING), _ledger(Severity.ERROR)
    advised = replace(
        warned, findings=warned.findings[:1], advice=(Advice(rule="", configuration="", stack="", path="", message=""),)
    )

    assert [status(warned, least) for least in (FailOn.ERROR, FailOn.WARNING, FailOn.ADVICE)] == [0, 1, 1]
    assert [status(untidy, least) for least in (FailOn.ERROR, FailOn.WARNING, FailOn.ADVICE)] == [1, 1, 1]
    assert [status(advised, least) for least in (FailOn.ERROR, FailOn.WARNING, FailOn.ADVICE)] == [0, 0, 1]
    assert status(untidy, FailOn.NEW, Changes()) == 0
    assert status(untidy, FailOn.NEW, None) == 1


def _ledger(severity: Severity) -> Findings:
    """Return a pass, and a row of that severity that could not be evaluated."""
    rules = {name: RuleInfo(id=name, title="t", why="w", fix="f", severity=severity) for name in ("P::Good", "P::Bad")}
    rows = (Finding(rule="P::Good", verdict=Verdict.PASS), Finding(rule="P::Bad", verdict=Verdict.NOT_EVALUATED))
    return Findings(findings=rows, rules=rules, judged_on=date(2026, 11, 24))


def test_evidence_of_the_last_drill_is_bundled() -> None:
    folder = Path("reports/drill/latest")
    folder.mkdir(parents=True)
    (folder / "evidence.zip").write_bytes(pack({"report.json": b"{}"}))

    assert _run("--template", _write("good.yaml", GOOD), "--format", "bundle").exit_code == 0

    with zipfile.ZipFile("reports/compliance/evidence.zip") as archive:
        assert {"drill/report.json", "drill/manifest.json"} <= set(archive.namelist())
    assert _run("verify", "reports/compliance/evidence.zip").exit_code == 0


def test_drill_evidence_that_was_changed_exits_2() -> None:
    folder = Path("reports/drill/latest")
    folder.mkdir(parents=True)
    (folder / "evidence.zip").write_bytes(b"no bundle")

    result = _run("--template", _write("good.yaml", GOOD))

    assert result.exit_code == 2
    assert "the evidence cannot be used" in result.output
    assert "run the drill again" in result.output


def test_verify_exits_1_for_a_changed_bundle() -> None:
    assert _run("--template", _write("queue.yaml", YAML)).exit_code == 1
    bundle = Path("reports/compliance/evidence.zip")

    assert _run("verify", str(bundle)).exit_code == 0
    bundle.write_bytes(bundle.read_bytes().replace(b"serverless", b"serverlesz", 1))
    tampered = _run("verify", str(bundle))

    assert tampered.exit_code == 1
    assert tampered.output.strip()


def test_crosswalk_replaces_the_summary_and_keeps_the_verdict() -> None:
    result = _run("--template", _write("queue.yaml", YAML), "--crosswalk", "prowler")

    assert result.exit_code == 1
    assert "sqs_queues_server_side_encryption_enabled: ActivePassive-SQSEncryption, AwsSolutions-SQS2" in result.output
    assert "Decidable from a template" in result.output


def test_malformed_registry_exits_1_with_the_entry() -> None:
    _write("own.toml", '[[decision]]\nid = "vague"\n')

    result = _run("--app", f"{SAMPLE}:build_app", "--environment", "prod", "--acknowledgements", "own.toml")

    assert result.exit_code == 1
    assert "vague" in result.output
    assert "the key 'reason' is missing" in result.output


def test_help_lists_options_and_exit_status() -> None:
    result = _run("--help")

    assert result.exit_code == 0
    for expected in (
        "--template",
        "--assembly",
        "--matrix",
        "verify",
        "every environment of environments.toml",
        "Exit status: 0 passed; 1 findings",
    ):
        assert expected in result.output


def test_own_process_records_passes_and_what_the_packs_do_not_see() -> None:
    bucket = "Resources: {B: {Type: 'AWS::S3::Bucket', Properties: {LoggingConfiguration: {LogFilePrefix: logs/}}}}"
    hidden = "Resources: {__proto__: {Type: 'AWS::SQS::Queue'}}"

    done = _own_process("--template", _write("bucket.yaml", bucket), "--template", _write("hidden.yaml", hidden))

    assert done.returncode == 1, done.stderr
    report = _report()
    assert set(nag.PACKS) < set(report["not_applicable_by_pack"])  # type: ignore[call-overload]
    verdicts = {(row["rule"], row["stack"], row["verdict"]) for row in report["findings"]}  # type: ignore[attr-defined]
    assert ("AwsSolutions::AwsSolutions-S1", "bucket.yaml", "PASS") in verdicts
    unseen = {(f"{pack}::Ran", "hidden.yaml", "NOT_EVALUATED") for pack in nag.PACKS}
    assert unseen == {row for row in verdicts if row[2] == "NOT_EVALUATED"}
    assert "Acknowledge with" not in done.stderr


def _own_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process that starts Node.js itself."""
    environment = {**os.environ, "PYTHONPATH": str(Path(compliance.__file__).parent.parent)}
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "compliance", *arguments], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("options", [[], ["--fix"]])
def test_a_template_that_takes_too_long_is_refused(options: list[str], tmp_path: Path) -> None:
    template = tmp_path / "endless.yaml"
    template.write_text(GOOD, "utf-8")
    code = "import compliance.__main__ as m; m.SECONDS_A_TEMPLATE = 0; m.app()"
    command = [sys.executable, "-c", code, "--template", str(template), "--output", str(tmp_path / "reports"), *options]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - this Python and this code
    assert ended.returncode == 2
    assert f"ERROR: {template}: not judged within 0 s" in ended.stderr
    assert not (tmp_path / "reports").exists()
