"""Test that each rendering of each report is valid, escaped, complete and reproducible."""

import base64
import hashlib
import json
import re
import warnings
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import example, given, settings

from drill.model import DrillReport, Measure, NegativeControls, ReviewedPlan, Verdict
from drill.reports import ReportError, facts, json_report, junit, page, schema, summary, write
from reporting import bundle
from unit_tests.drill.reports.samples import HOSTILE, REPORTS, digests, failed, never_began, passed
from unit_tests.fixtures.examples import examples
from unit_tests.fixtures.html_elements import HtmlElements

FILES = ["summary.md", "index.html", "report.json", "junit.xml", "evidence.zip"]

ALLOWED = HtmlElements(page.render(passed())).names() | HtmlElements(page.render(failed())).names()


PLAN = ReviewedPlan(
    file="plan.toml",
    sha256="a" * 64,
    hypothesis="Nothing is lost.",
    watcher="the engineer on call",
    approvers=("the owner", "the auditor"),
    abort_alarms=("split-brain",),
    targets={"switch": 29.0},
)


def _hostile() -> DrillReport:
    """Return a report in which every text from outside is hostile."""
    ordinary = failed()
    assert ordinary.proof is not None
    return ordinary.model_copy(
        update={
            "drill_id": HOSTILE,
            "reasons": (HOSTILE,),
            "plan": PLAN.model_copy(update={"hypothesis": HOSTILE, "file": HOSTILE, "approvers": (HOSTILE,)}),
            "account": HOSTILE,
            "environment": HOSTILE,
            "primary_region": HOSTILE,
            "faults": tuple(fault.model_copy(update={"name": HOSTILE, "detail": HOSTILE}) for fault in ordinary.faults),
            "measures": tuple(m.model_copy(update={"title": HOSTILE, "how": HOSTILE}) for m in ordinary.measures),
            "phases": tuple(p.model_copy(update={"name": HOSTILE, "outcome": HOSTILE}) for p in ordinary.phases),
            "timeline": tuple(e.model_copy(update={"what": HOSTILE, "region": HOSTILE}) for e in ordinary.timeline),
            "samples": tuple(s.model_copy(update={"region": HOSTILE}) for s in ordinary.samples),
            "tools": {HOSTILE: HOSTILE},
            "rto_seconds": {HOSTILE: 1.0},
            "proof": ordinary.proof.model_copy(
                update={
                    "sources": (HOSTILE,),
                    "findings": tuple(
                        f.model_copy(update={"object_id": HOSTILE, "what": HOSTILE}) for f in ordinary.proof.findings
                    ),
                }
            ),
        }
    )


def test_schema_file_equals_the_models() -> None:
    assert json_report.SCHEMA.read_text("utf-8") == schema.render(), (
        "python -m drill.reports.schema > drill/report.schema.json"
    )
    jsonschema.Draft202012Validator.check_schema(json.loads(schema.render()))


@pytest.mark.property
@settings(max_examples=examples(60))
@given(REPORTS)
@example(passed())
@example(failed())
@example(never_began())
@example(_hostile())
def test_any_report_is_rendered_without_injected_elements(report: DrillReport) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = json_report.render(report)
        assert DrillReport.model_validate_json(text) == report

        html = page.render(report)
        assert HtmlElements(html).names() <= ALLOWED | {"ul"}
        assert sum(tag == "script" for tag, _ in HtmlElements(html).found) == 2
        assert not {"\x1b", "\u202e", "\x00"} & set(html)

        parsed = ET.fromstring(junit.render(report))  # noqa: S314 - our own
        bad = [
            case for case in parsed.iter("testcase") if case.find("failure") is not None or case.find("error") is not None
        ]
        assert bad or report.verdict in {Verdict.PASSED, Verdict.NOT_ALL_MEASURED}

        markdown = summary.render(report)
        assert markdown.startswith(f"# Failover drill {facts.verdict(report)}\n")
        assert "<script" not in markdown


def test_report_quotes_the_reviewed_plan() -> None:
    report = passed(plan=PLAN)
    for text in (summary.render(report), page.render(report)):
        for quoted in ("Nothing is lost.", "the engineer on call", "the owner, the auditor", "split-brain", "29.0 s"):
            assert quoted in text
        assert PLAN.sha256 in text
    assert "Hypothesis" not in summary.render(passed()) + page.render(passed())


@pytest.mark.parametrize(
    "report", [passed(), failed(), never_began(), _hostile()], ids=["passed", "failed", "void", "hostile"]
)
def test_report_files_are_written_and_bundled(report: DrillReport, tmp_path: Path) -> None:
    folder = tmp_path / "drill" / "one"
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(b'{"seq": 0}\n')

    written = write(report, folder, journal=journal)

    assert [file.name for file in written] == FILES
    assert bundle.verify(folder / "evidence.zip") == []
    with zipfile.ZipFile(folder / "evidence.zip") as archive:
        assert set(archive.namelist()) == {
            *FILES[:-1],
            "journal.jsonl",
            "README.txt",
            "report.schema.json",
            "manifest.json",
        }
        for name in FILES[:-1]:
            assert archive.read(name) == (folder / name).read_bytes()
        readme = archive.read("README.txt").decode()
        assert all(name in readme or name == "README.txt" for name in archive.namelist())
    assert (tmp_path / "drill" / "latest").resolve() == folder.resolve()
    assert not list(folder.rglob(".*")), "nothing is left beside them"


def test_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    first = [file.read_bytes() for file in write(passed(), tmp_path / "a", journal=tmp_path / "none")]
    again = [file.read_bytes() for file in write(passed(), tmp_path / "a", journal=tmp_path / "none")]
    other = [file.read_bytes() for file in write(passed(), tmp_path / "b", journal=tmp_path / "none")]

    assert first == again == other


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"time_factor": float("inf")}, "at $.time_factor"),
        ({"journal_sha256": 3}, "at $.journal_sha256"),
        ({"verdict": "splendid"}, "at $.verdict"),
        ({"account": "\ud800"}, "cannot be written as JSON"),
    ],
)
def test_invalid_report_raises_and_nothing_is_written(changes: dict[str, object], expected: str, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=re.escape(expected)):
        write(passed().model_copy(update=changes), tmp_path / "one", journal=tmp_path / "none")

    assert list(tmp_path.iterdir()) == []


def test_page_makes_no_network_request() -> None:
    html = page.render(failed())

    for tag, attributes in HtmlElements(html).found:
        for name in ("src", "href", "action", "data", "srcset", "poster"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,")), (tag, attributes)
    assert "url(" not in html


def test_its_policy_runs_our_script_and_style_and_nothing_else() -> None:
    elements = HtmlElements(page.render(passed()))
    policy = str(next(attributes["content"] for _, attributes in elements.found if attributes.get("http-equiv")))

    scripts = [text for text in elements.texts["script"] if not text.startswith("{")]
    for content in ("".join(scripts), "".join(elements.texts["style"])):
        assert base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    named = {name for _, attributes in elements.found for name in attributes}
    assert not [name for name in named if name.startswith("on") or name == "style"]


def test_page_is_accessible_to_screen_readers() -> None:
    elements = HtmlElements(page.render(failed()))

    assert all(attributes.get("scope") for tag, attributes in elements.found if tag == "th")
    pictures = [attributes for tag, attributes in elements.found if tag == "svg"]
    assert all(attributes.get("aria-label") or attributes.get("aria-hidden") for attributes in pictures)
    ids = [attributes["id"] for _, attributes in elements.found if attributes.get("id")]
    assert len(ids) == len(set(ids))
    headed = [attributes["aria-labelledby"] for tag, attributes in elements.found if attributes.get("aria-labelledby")]
    assert set(headed) <= set(ids)


def test_summary_begins_with_verdict_and_reasons() -> None:
    html, markdown = page.render(failed()), summary.render(failed())

    assert html.index("1 object was lost") < html.index("Measures and targets")
    assert markdown.splitlines()[2] == "* **1 object was lost, though its receipt was durable**"
    assert "| Backlog zero after the decision | 1 min 35 s | ≤ 30.0 s | missed |" in markdown
    assert "| lost |" in markdown


def test_reports_unmeasured_value_is_never_zero() -> None:
    markdown, html = summary.render(never_began()), page.render(never_began())

    assert "| Detected | not measured | ≤ 15.0 s | not measured |" in markdown
    assert "nothing was compared, so the number of lost or duplicated or divergent objects is unknown" in markdown
    assert "0 lost" not in markdown
    assert "Nothing was compared" in html
    assert "0.00 s" not in html
    assert "<b>0</b>lost" not in html


def test_junit_has_a_case_for_each_target_phase_control_and_source() -> None:
    parsed = ET.fromstring(junit.render(failed()))  # noqa: S314 - our own
    cases = {(suite.get("name"), case.get("name")): case for suite in parsed for case in suite.iter("testcase")}

    def state(suite: str, name: str) -> str:
        (case,) = [case for (of, called), case in cases.items() if of == suite and str(called).startswith(name)]
        return next((child.tag for child in case), "passed")

    assert state("verdict", "the drill") == "failure"
    assert state("targets", "First good write with the helper") == "passed"
    assert state("targets", "Backlog zero") == "failure"
    assert state("phases", "load") == "passed"
    assert state("phases", "verify") == "failure"
    assert state("phases", "failback") == "skipped"
    assert state("negative controls", "tampered_row") == "passed"
    assert state("proof", "ledger us-west-2") == "failure"
    assert state("proof", "receipts") == "passed"
    assert state("guard", "no call") == "failure"


def test_missed_control_is_red_everywhere() -> None:
    blind = passed().negative_controls.controls[0].model_copy(update={"found": False})
    report = passed(
        verdict=Verdict.VOID, negative_controls=NegativeControls(injected=4, found=3, controls=(blind,)), reasons=("blind",)
    )

    parsed = ET.fromstring(junit.render(report))  # noqa: S314 - our own
    red = {case.get("name") for case in parsed.iter("testcase") if case.find("failure") is not None}
    assert red == {"duplicate is found", "every injected control is found"}
    assert "not found" in page.render(report)
    assert "3 of 4 negative controls found" in summary.render(report)


def test_target_without_a_measure_is_skipped_and_not_passed() -> None:
    measure = Measure(name="x", title="X", seconds=None, target_seconds=1, met=None)
    parsed = ET.fromstring(junit.render(passed(measures=(measure,))))  # noqa: S314 - our own

    (suite,) = [suite for suite in parsed if suite.get("name") == "targets"]
    assert [case.find("skipped") is not None for case in suite.iter("testcase")] == [True]


def test_source_that_differs_is_named() -> None:
    proof = passed().proof
    assert proof is not None
    differing = proof.model_copy(update={"digests": digests(receipts="other")})

    unequal = {source.name: source.unequal for source in facts.sources(differing)}

    assert unequal == {**dict.fromkeys(proof.sources, 0), "receipts": 2}


def test_source_that_lacks_a_digest_is_named() -> None:
    proof = passed().proof
    assert proof is not None
    lacking = tuple(row for row in proof.digests if (row.source, row.prefix) != ("receipts", "f"))

    unequal = {source.name: source.unequal for source in facts.sources(proof.model_copy(update={"digests": lacking}))}

    assert unequal == {**dict.fromkeys(proof.sources, 0), "receipts": 2}
