"""The bundle holds every report, the templates, the decisions and the versions of the tools."""

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from compliance.reports import FORMATS, provenance, sbom, write_reports
from reporting import bundle
from unit_tests.compliance.reports.ledgers import ROWS, TODAY, hostile, ledger

REPORTS = {
    "summary.md",
    "index.html",
    "report.json",
    "controls.json",
    "ledger.csv.zst",
    "report.sarif",
    "gl-code-quality.json",
    "junit.xml",
    "assessment-results.json",
    "poam.json",
}
ON_DEMAND = {"csv", "ocsf", "pdf"}
PINS = """\
boto3==1.43.106 \\
    --hash=sha256:00
aws-lambda-powertools[tracer]==3.37.0 ; python_version >= "3.11"
"""
LOCK = {
    "packages": {
        "": {"name": "lockstep"},
        "node_modules/aws-cdk": {"version": "2.1148.1", "integrity": "sha512-AAAA"},
        "node_modules/@aws-cdk/cli": {"version": "1.0.0"},
        "node_modules/aws-cdk/node_modules/aws-cdk": {"version": "2.1148.1"},
    }
}


def _members(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_every_report_is_written_and_in_the_bundle(tmp_path: Path) -> None:
    files = write_reports(ledger(*ROWS), tmp_path / "new" / "folder")

    assert {file.name for file in files} == {*REPORTS, "evidence.zip"}
    assert len(files) == len(set(FORMATS) - ON_DEMAND)
    members = _members(files[-1])
    for file in files[:-1]:
        assert members[file.name] == file.read_bytes()
    assert bundle.verify(files[-1]) == []


def test_plain_ledger_is_written_on_demand_and_is_the_compressed_one(tmp_path: Path) -> None:
    plain, packed, evidence = (
        write_reports(ledger(*ROWS), tmp_path, formats)[-1] for formats in (["csv"], ["ledger"], ["csv", "bundle"])
    )

    assert (plain.name, packed.name) == ("ledger.csv", "ledger.csv.zst")
    assert zstandard.decompress(packed.read_bytes()) == plain.read_bytes()
    members = _members(evidence)
    assert members["ledger.csv.zst"] == packed.read_bytes()
    assert "ledger.csv" not in members


def test_bundle_holds_templates_decisions_and_versions(tmp_path: Path) -> None:
    (file,) = write_reports(ledger(*ROWS), tmp_path, ["bundle"])

    members = _members(file)
    others = {"README.txt", "acknowledgements.toml", "manifest.json", "provenance.json", "sbom.cdx.json"}
    locks = {"locks/requirements/dev.txt", "locks/handlers/requirements.txt", "locks/package-lock.json"}
    assert set(members) == REPORTS | others | locks | {"templates/prod/S.template.json"}
    template = json.loads(members["report.json"])["templates"][0]
    assert hashlib.sha256(members[template["file"]]).hexdigest() == template["sha256"]
    assert members["acknowledgements.toml"] == b'[[decision]]\nid = "logs"\n'
    for name in members:
        assert name in members["README.txt"].decode() or name.startswith(("templates/", "locks/", "README"))


def test_reports_of_rows_in_any_order_are_the_same_bytes(tmp_path: Path) -> None:
    formats = [name for name in FORMATS if name != "pdf"]  # it has its date
    first = write_reports(ledger(*ROWS), tmp_path / "one", formats)
    second = write_reports(ledger(*reversed(ROWS)), tmp_path / "two", reversed(formats))

    assert [file.name for file in first] == [file.name for file in second]
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_bundle_with_hostile_names_is_valid(tmp_path: Path) -> None:
    (file,) = write_reports(hostile(), tmp_path, ["bundle"])

    assert bundle.verify(file) == []


def test_single_format_writes_only_its_file(tmp_path: Path) -> None:
    assert [file.name for file in write_reports(ledger(*ROWS), tmp_path, ["sarif"])] == ["report.sarif"]
    assert [file.name for file in tmp_path.iterdir()] == ["report.sarif"]


def test_unknown_format_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown format docx, xls; choose from summary, html"):
        write_reports(ledger(*ROWS), tmp_path / "none", ["sarif", "xls", "docx"])
    assert not (tmp_path / "none").exists()


def _project(folder: Path) -> Path:
    (folder / "requirements").mkdir()
    (folder / "handlers").mkdir()
    (folder / "requirements" / "dev.txt").write_text(PINS)
    (folder / "handlers" / "requirements.txt").write_text("aws-lambda-powertools==3.37.0\n")
    (folder / "package-lock.json").write_text(json.dumps(LOCK))
    return folder


def test_bill_of_materials_has_each_pin_once_with_its_scope(tmp_path: Path) -> None:
    text = sbom.render(TODAY, _project(tmp_path))

    components = {component["purl"]: component for component in json.loads(text)["components"]}
    assert {purl: component["scope"] for purl, component in components.items()} == {
        "pkg:npm/%40aws-cdk/cli@1.0.0": "excluded",
        "pkg:npm/aws-cdk@2.1148.1": "excluded",
        "pkg:pypi/aws-lambda-powertools@3.37.0": "required",
        "pkg:pypi/boto3@1.43.106": "excluded",
    }
    assert components["pkg:npm/aws-cdk@2.1148.1"]["hashes"] == [{"alg": "SHA-512", "content": "000000"}]
    assert text == sbom.render(TODAY, tmp_path)


def test_bill_of_materials_of_the_project_is_valid_cyclonedx() -> None:
    text = sbom.render(TODAY)

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert document["specVersion"] == "1.6"
    assert {"pkg:pypi/cdk-nag@3.0.2", "pkg:npm/aws-cdk@2.1148.1"} <= {part["purl"] for part in document["components"]}


def test_provenance_names_tools_and_revision() -> None:
    document = json.loads(provenance.render())

    assert document["tools"]["cdk-nag"] == "3.0.2"
    assert set(document["revision"]) in ({"commit", "dirty"}, {"unknown"})


def test_run_of_a_workflow_is_named_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"ACTOR": "ada", "ACTIONS": "true", "SERVER_URL": "https://github.com", "REPOSITORY": "o/r", "RUN_ID": "7"}
    for name, value in variables.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    monkeypatch.delenv("GITHUB_RUN_ATTEMPT", raising=False)

    found = provenance.run(datetime(2026, 11, 29, 21, 0, 0, 999, UTC), datetime(2026, 11, 29, 21, 0, 9, tzinfo=UTC))

    assert (found["started"], found["ended"]) == ("2026-11-29T21:00:00Z", "2026-11-29T21:00:09Z")
    assert (found["by"], found["host"]) == ("ada", "GitHub Actions")
    assert found["ci_run"] == "https://github.com/o/r/actions/runs/7/attempts/1"


@pytest.mark.parametrize(
    ("remote", "repository"),
    [
        ("https://user:secret@example.com/o/r.git", "https://example.com/o/r.git"),
        ("ssh://git@example.com/o/r.git", "ssh://example.com/o/r.git"),
        ("/a/folder", None),
        (None, None),
    ],
)
def test_repository_is_named_without_credentials(
    remote: str | None, repository: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_ACTOR", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(provenance, "_git", lambda *_arguments: remote)
    now = datetime(2026, 11, 29, tzinfo=UTC)

    assert provenance.run(now, now).get("repository") == repository


def test_run_is_in_every_report_that_names_it(tmp_path: Path) -> None:
    run = {
        "started": "2026-11-29T21:00:00Z",
        "ended": "2026-11-29T21:00:09Z",
        "by": "ada",
        "host": "CI",
        "system": "Linux x86_64",
        "repository": "https://example.com/o/r",
    }
    judged = replace(ledger(*ROWS), run=run, revision={"commit": "a" * 40, "dirty": True})

    write_reports(judged, tmp_path)

    log = json.loads((tmp_path / "report.sarif").read_text())["runs"][0]
    assert (log["invocations"][0]["startTimeUtc"], log["invocations"][0]["endTimeUtc"]) == (run["started"], run["ended"])
    (origin,) = log["versionControlProvenance"]
    assert (origin["repositoryUri"], origin["revisionId"]) == (run["repository"], "a" * 40)
    assert origin["properties"] == {"dirty": True}
    (result,) = json.loads((tmp_path / "assessment-results.json").read_text())["assessment-results"]["results"]
    assert (result["start"], result["end"]) == (run["started"], run["ended"])
    assert json.loads((tmp_path / "report.json").read_text())["run"] == run
    assert json.loads(bundle.unpack(tmp_path / "evidence.zip")["provenance.json"])["run"] == run
    assert "Run by ada on CI" in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize(("path", "says"), [("", "git is not installed"), (None, "not a git checkout")])
def test_unknown_revision_has_a_reason(path: str | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "PROJECT", tmp_path)
    if path is not None:
        monkeypatch.setenv("PATH", path)

    assert says in json.loads(provenance.render())["revision"]["unknown"]


def _drill(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "evidence.zip").write_bytes(bundle.pack({"report.json": b"{}", "journal.jsonl": b"{}\n"}, verdict="passed"))
    return folder / "evidence.zip"


def test_drill_evidence_is_bundled_with_its_manifest(tmp_path: Path) -> None:
    drill = bundle.unpack(_drill(tmp_path / "drill"))

    (file,) = write_reports(ledger(*ROWS), tmp_path, ["bundle"], drill=drill)

    members = _members(file)
    assert {name for name in members if name.startswith("drill/")} == {
        "drill/report.json",
        "drill/journal.jsonl",
        "drill/manifest.json",
    }
    assert bundle.verify(file) == []


def test_drill_evidence_changed_in_the_bundle_is_reported(tmp_path: Path) -> None:
    """A repacked bundle with a matching manifest still contradicts the drill's own manifest."""
    drill = {**bundle.unpack(_drill(tmp_path / "drill")), "report.json": b'{"verdict": "passed"}', "more.txt": b""}

    (file,) = write_reports(ledger(*ROWS), tmp_path, ["bundle"], drill=drill)

    assert [problem.partition(":")[0] for problem in bundle.verify(file)] == ["in drill/"] * 2
    assert "'more.txt' was added" in bundle.verify(file)[0]
    assert "'report.json' was changed" in bundle.verify(file)[1]


def test_damaged_drill_evidence_is_not_unpacked(tmp_path: Path) -> None:
    file = _drill(tmp_path / "drill")
    file.write_bytes(file.read_bytes().replace(b"{}\n", b"[]\n"))

    with pytest.raises(ValueError, match="the archive is damaged"):
        bundle.unpack(file)
