"""The workflows give credentials to one job only; cannot prove how GitHub itself is set up."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]

from compliance.aws.authorization_reference import actions_of
from compliance.cfn.loading import load_template
from compliance.cfn.templates import Template, TemplateSet
from compliance.engine.findings import Verdict
from compliance.engine.judge import judge
from compliance.packs import native
from compliance.rules import our_rules
from infra.naming import Naming

ROOT: Final = Path(__file__).parent.parent
WORKFLOWS: Final = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NAMES: Final = [file.stem for file in WORKFLOWS]
INSTALL: Final = "python -m pip install --require-hashes --no-deps -r requirements/ci.txt"
CREDENTIALS: Final = "aws-actions/configure-aws-credentials"
Step = dict[str, Any]


def workflow(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text("utf-8"))
    return loaded


def jobs(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = workflow(name)["jobs"]
    return found


def all_jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in NAMES:
        for job, body in jobs(name).items():
            yield f"{name}.{job}", body


def uses(job: dict[str, Any]) -> list[str]:
    return [step.get("uses", "").partition("@")[0] for step in job["steps"]]


def commands(job: dict[str, Any]) -> list[str]:
    return [step.get("run", "") for step in job["steps"]]


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_by_commit_with_its_version(name: str) -> None:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text("utf-8")
    lines = [line for line in text.splitlines() if re.search(r"\buses:", line)]
    assert len(lines) == sum("uses" in step for job in jobs(name).values() for step in job["steps"])
    for line in lines:
        assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_every_action_has_one_commit_in_all_workflows() -> None:
    pins = {step["uses"] for _, job in all_jobs() for step in job["steps"] if "uses" in step}
    actions = [pin.partition("@")[0] for pin in pins]
    assert len(set(actions)) == len(actions)


def test_workflows_start_by_these_events_only() -> None:
    by_hand, by_night = {"workflow_dispatch"}, {"workflow_dispatch", "schedule"}
    expected = {
        "ci": {"push", "pull_request"},
        "deploy": by_hand,
        "drift": by_night,
        "nightly": by_night,
        "release": {"push"},
    }
    assert {name: set(workflow(name)[True]) for name in NAMES} == expected  # type: ignore[index]  # YAML reads `on` as true


@pytest.mark.parametrize(("name", "job"), list(all_jobs()))
def test_job_stops_at_a_failure_and_runs_pinned_programs_only(name: str, job: dict[str, Any]) -> None:
    assert (job["runs-on"], job["timeout-minutes"] > 0) == ("ubuntu-24.04", True)
    assert job.get("if") == ("${{ vars.DRIFT_ENVIRONMENT != '' }}" if name == "drift.drift" else None)
    for step in job["steps"]:
        run, action, given = step.get("run", ""), step.get("uses", "").partition("@")[0], step.get("with", {})
        assert "continue-on-error" not in {*job, *step}
        assert not re.search(r"\|\||set \+e|\b(curl|wget|npm|npx|pipx|uvx)\b", run)
        assert "${{" not in run, "a shell would run what an input or a title says"
        if re.search(r"(cancelled|always|failure)\(", step.get("if", "")):
            assert "/upload-" in action or run.startswith("cat reports/"), "it runs after a failed check"
        assert "cache" not in given, "another branch may have written it"
        if action == "actions/checkout":
            assert given["persist-credentials"] is False
        if action == CREDENTIALS:
            assert {"role-to-assume", "allowed-account-ids", "aws-region"} <= given.keys()
            assert not [key for key in given if "access-key" in key]


def test_every_package_a_workflow_installs_is_pinned_by_hash() -> None:
    installs = [line for _, job in all_jobs() for run in commands(job) for line in run.splitlines() if "install" in line]
    assert installs
    assert set(installs) == {INSTALL}
    locked = (ROOT / "requirements" / "ci.txt").read_text("utf-8")
    assert re.search(r"^nox==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", locked, re.MULTILINE)
    packages = re.findall(r"^[a-z][\w.-]*==", locked, re.MULTILINE)
    assert len(re.findall(r"==[^\\\n]*\\\n    --hash=", locked)) == len(packages), "a package without a hash"


def test_only_deploy_and_publish_may_ask_for_an_identity() -> None:
    holders = {name for name, job in all_jobs() if job["permissions"].get("id-token")}
    assert holders == {"deploy.deploy", "drift.drift", "release.publish"}
    assert {name for name, job in all_jobs() if CREDENTIALS in uses(job)} == {"deploy.deploy", "drift.drift"}
    assert {name for name, job in all_jobs() if job["permissions"].get("contents") == "write"} == {"release.publish"}


@pytest.mark.parametrize("name", NAMES)
def test_no_job_has_a_permission_that_it_does_not_name(name: str) -> None:
    assert workflow(name)["permissions"] == {}
    assert all("permissions" in job for job in jobs(name).values())


def test_what_is_deployed_is_what_the_judge_made() -> None:
    judge, deploy = jobs("deploy")["judge"], jobs("deploy")["deploy"]
    assert deploy["needs"] == "judge"
    assert judge["permissions"] == {"contents": "read"}
    made = "\n".join(commands(judge))
    assert made.index("-s synth") < made.index("-s compliance -- --assembly cdk.out") < made.index("hashlib.sha256(")
    ran = "\n".join(commands(deploy))
    assert "synth" not in ran
    assert all("--app cdk.out" in run for run in commands(deploy) if "-s cdk" in run)
    verify = next(step for step in deploy["steps"] if "sha256sum --check" in step.get("run", ""))
    assert verify["env"] == {
        "DIGEST": "${{ needs.judge.outputs.digest }}",
        "EVIDENCE": "${{ needs.judge.outputs.evidence }}",
    }
    assert verify["run"].index("sha256sum --check --strict") < verify["run"].index("tar --extract")
    (attest,) = (step for step in deploy["steps"] if "attest-build-provenance" in step.get("uses", ""))
    assert attest["with"]["subject-path"].split() == ["assembly.tar.gz", "reports/compliance/evidence.zip"]
    order = [step.get("uses", "").partition("@")[0] or step.get("run", "") for step in deploy["steps"]]
    credentials = order.index(CREDENTIALS)
    assert order.index("actions/download-artifact") < deploy["steps"].index(verify) < credentials
    assert order.index("actions/attest-build-provenance") < credentials


def test_evidence_is_kept_under_object_lock_before_the_deployment() -> None:
    steps = jobs("deploy")["deploy"]["steps"]
    (upload,) = (step for step in steps if "upload reports/compliance/evidence.zip" in step.get("run", ""))
    assert upload["if"] == "${{ vars.EVIDENCE_BUCKET }}"
    (deploy,) = (step for step in steps if "deploy --app cdk.out" in step.get("run", ""))
    assert steps.index(upload) < steps.index(deploy)
    document = json.loads((ROOT / ".github" / "evidence-role-permissions.json").read_text("utf-8"))
    used = {"put_object", "get_object", "get_object_lock_configuration"}  # HeadObject needs s3:GetObject, and for the lock:
    source = (ROOT / "compliance" / "reports" / "locked_upload.py").read_text("utf-8")
    assert set(re.findall(r"client\.(\w+)\(", source)) - {"head_object"} == used
    assert {action for each in document["Statement"] for action in each["Action"]} == {
        *("s3:PutObject", "s3:GetObject", "s3:GetObjectRetention", "s3:GetBucketObjectLockConfiguration", "s3:ListBucket"),
    }


def packed(folder: Path, account: str) -> subprocess.CompletedProcess[str]:
    """Run the step that packs the assembly."""
    (step,) = (step for step in jobs("deploy")["judge"]["steps"] if step.get("id") == "made")
    assembly = folder / "cdk.out"
    assembly.mkdir()
    failover = {"environment": f"aws://{account}/us-west-2"}
    (assembly / "manifest.json").write_text(json.dumps({"artifacts": {"Failover": failover}}))
    (folder / "reports" / "compliance").mkdir(parents=True)
    (folder / "reports" / "compliance" / "evidence.zip").write_bytes(b"the evidence")
    environment = os.environ | {"GITHUB_OUTPUT": str(folder / "output"), "ENVIRONMENT": "prod"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = ["sh", "-e", "-c", step["run"]]  # the runner has bash; a bare machine has not
    return subprocess.run(  # noqa: S603 - the workflow's own
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_digest_handed_on_is_of_the_bytes_handed_on(tmp_path: Path) -> None:
    assert packed(tmp_path, "123456789012").returncode == 0
    digest, evidence = (
        hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("assembly.tar.gz", "reports/compliance/evidence.zip")
    )
    expected = ["account=123456789012", "region=us-west-2", f"digest={digest}", f"evidence={evidence}"]
    assert (tmp_path / "output").read_text().splitlines() == expected


def test_an_assembly_without_an_account_says_what_to_type(tmp_path: Path) -> None:
    done = packed(tmp_path, "unknown-account")
    assert done.returncode == 1
    assert 'Type under [environments.prod] in environments.toml: account = "123456789012"' in done.stderr


def test_a_deployment_starts_from_a_protected_branch_only() -> None:
    first = jobs("deploy")["judge"]["steps"][0]
    assert first["if"] == "${{ !github.ref_protected || github.ref_type != 'branch' }}"
    assert "exit 1" in first["run"]
    assert jobs("deploy")["deploy"]["environment"] == "${{ inputs.environment }}"


def test_release_starts_from_a_protected_tag_on_the_default_branch() -> None:
    assert workflow("release")[True] == {"push": {"tags": ["v*"]}}  # type: ignore[index]  # YAML reads the key `on` as true
    first, _, contained = jobs("release")["build"]["steps"][:3]
    assert first["if"] == "${{ !github.ref_protected || github.ref_type != 'tag' }}"
    assert "exit 1" in first["run"]
    assert 'git merge-base --is-ancestor "$GITHUB_SHA" "origin/$DEFAULT"' in contained["run"]
    assert jobs("release")["publish"]["environment"] == "release"


def test_published_release_is_what_the_build_job_made() -> None:
    build, publish = jobs("release")["build"], jobs("release")["publish"]
    assert publish["needs"] == "build"
    assert build["permissions"] == {"contents": "read"}
    assert "actions/checkout" not in uses(publish), "the job that may publish runs code of the repository"
    order = [step.get("uses", "").partition("@")[0] or step["run"] for step in publish["steps"]]
    assert [each.split()[0] for each in order] == [
        "actions/download-artifact",
        "echo",
        "actions/attest-build-provenance",
        "actions/attest",
        "gh",
    ]
    verify = publish["steps"][1]
    assert verify["env"] == {"DIGEST": "${{ needs.build.outputs.digest }}"}
    assert verify["run"].count("sha256sum --check --strict") == 2
    assert publish["steps"][2]["with"]["subject-path"] == "lockstep-*"


@pytest.mark.parametrize("damaged", [None, "lockstep-1.0.0.tar.gz", "SHA256SUMS"])
def test_release_with_other_bytes_than_built_is_refused(tmp_path: Path, damaged: str | None) -> None:
    built = tmp_path / ".build" / "release"
    built.mkdir(parents=True)
    for name in ("lockstep-1.0.0.tar.gz", "lockstep-1.0.0.cdx.json"):
        (built / name).write_text(name)
    digests = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(built.iterdir())]
    (built / "SHA256SUMS").write_text("".join(digests))
    (made,) = (step["run"] for step in jobs("release")["build"]["steps"] if step.get("id") == "built")
    environment = os.environ | {"GITHUB_OUTPUT": str(tmp_path / "output")}
    subprocess.run(["sh", "-e", "-c", made], cwd=tmp_path, env=environment, check=True)  # noqa: S603, S607 - the workflow's own
    outputs = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())
    assert outputs["bill"] == "lockstep-1.0.0.cdx.json"
    if damaged:
        with (built / damaged).open("a") as file:
            file.write("# changed\n")
    verify = jobs("release")["publish"]["steps"][1]["run"]
    done = subprocess.run(  # noqa: S603 - the workflow's own
        ["sh", "-e", "-c", verify],  # noqa: S607
        cwd=built,
        env=os.environ | {"DIGEST": outputs["digest"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is (damaged is None), done.stderr


@pytest.mark.parametrize(("role", "environment"), [("deploy", "ENVIRONMENT"), ("drift", "ENVIRONMENT-drift")])
def test_roles_trust_one_environment_of_one_workflow_on_one_branch(role: str, environment: str) -> None:
    document = json.loads((ROOT / ".github" / f"{role}-role-trust.json").read_text("utf-8"))
    (statement,) = document["Statement"]
    issuer = "token.actions.githubusercontent.com"
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            f"{issuer}:aud": "sts.amazonaws.com",
            f"{issuer}:sub": f"repo:OWNER/NAME:environment:{environment}",
            f"{issuer}:ref": "refs/heads/main",
            f"{issuer}:job_workflow_ref": f"OWNER/NAME/.github/workflows/{role}.yml@refs/heads/main",
        }
    }
    assert not set("*?") & set(json.dumps(document)), "a wildcard"


def test_deploy_role_may_act_on_one_environment_by_known_actions() -> None:
    naming, account = Naming("prod"), "123456789012"
    text = (ROOT / ".github" / "deploy-role-permissions.json").read_text("utf-8")
    statements = json.loads(text.replace("PREFIX", "serverless").replace("ENVIRONMENT", "prod").replace("ACCOUNT", account))[
        "Statement"
    ]
    for statement in statements:
        actions = statement["Action"]
        assert all(actions_of(each) for each in ([actions] if isinstance(actions, str) else actions)), "an unknown action"
    written = json.dumps(statements)
    buckets = [naming.bucket_name(each, account, "*") for each in ("ingest", "archive")]
    names = [*buckets, naming.table("ledger"), naming.queue("ingest-dlq"), naming.alias("data"), naming.alias("queue")]
    assert all(name in written for name in names)
    assert set(re.findall(r"serverless-[a-z0-9-]+", written)) == {name.split("/")[-1].split("*")[0] for name in names}


def test_drift_role_passes_the_gates_own_rules_but_for_its_wildcards() -> None:
    document = json.loads((ROOT / ".github" / "drift-role-permissions.json").read_text("utf-8").replace("ACCOUNT", "1" * 12))
    body = {"Resources": {"Role": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}}}
    template = Template(name="role", body=body, region="us-east-1", account="1" * 12)
    rows = judge(TemplateSet(templates=(template,), environment="prod"), our_rules()).rows
    # It reads resources whose names it cannot know, so wildcards are its nature; it must read only.
    assert {row.rule.partition("::")[2] for row in rows if row.verdict is not Verdict.PASS} == {"ActivePassive-IAMResource"}
    listed = [each["Action"] for each in document["Statement"]]
    actions = [action for each in listed for action in ([each] if isinstance(each, str) else each)]
    assert all(re.fullmatch(r"\w+:(Get|List|Describe)\w+|apigateway:GET", action) for action in actions)
    assert [
        each["Resource"] for each in document["Statement"] if "s3:GetObject" in str(each["Action"]).replace("GetObjectL", "")
    ] == [[f"arn:aws:s3:::cdk-*-assets-{'1' * 12}-*", f"arn:aws:s3:::cdk-*-assets-{'1' * 12}-*/*"]]
    assert "secretsmanager:GetSecretValue" not in actions


def test_the_baseline_is_a_push_to_the_default_branch() -> None:
    (step,) = (step for step in jobs("ci")["compliance"]["steps"] if "gh run list" in step.get("run", ""))
    assert "github.base_ref == github.event.repository.default_branch" in step["if"]
    assert step["env"]["DEFAULT"] == "${{ github.event.repository.default_branch }}"
    assert '--branch "$DEFAULT" --event push --status success' in step["run"]


def test_advisories_and_secrets_are_looked_at_by_a_workflow() -> None:
    assert "python -m nox -s audit" in commands(jobs("nightly")["audit"])
    assert "python -m nox -s secrets" in commands(jobs("ci")["secrets"])


def test_coverage_floor_is_held_on_every_push() -> None:
    assert "python -m nox -s coverage" in commands(jobs("ci")["coverage"])
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["coverage"]
    assert settings["run"]["branch"] is True
    assert settings["report"]["fail_under"] > 90


def test_documentation_site_is_built_on_every_push() -> None:
    assert "python -m nox -s docs" in commands(jobs("ci")["docs"])


def test_each_kind_of_pinned_dependency_is_renewed() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text("utf-8"))["updates"]
    assert {each["package-ecosystem"] for each in updates} == {"github-actions", "pip", "npm"}
    assert all(each["cooldown"]["default-days"] >= 7 and "ignore" not in each for each in updates)


def test_every_path_has_a_code_owner_and_exists() -> None:
    lines = [line for line in (ROOT / ".github" / "CODEOWNERS").read_text("utf-8").splitlines() if line and line[0] != "#"]
    paths = [line.split()[0] for line in lines]
    assert paths[0] == "*"
    assert {"/.github/", "/compliance/", "/requirements/", "/environments.toml"} <= set(paths)
    assert all((ROOT / path.strip("/")).exists() for path in paths[1:])
    assert all(len(line.split()) > 1 for line in lines)
    # The last line that matches a path decides.
    assert not [later for at, path in enumerate(paths) for later in paths[at + 1 :] if later.startswith(path)]


def test_codepipeline_example_passes_cloudformations_validation() -> None:
    template = load_template(ROOT / ".ci" / "codepipeline.yaml", "us-east-1")
    found = native.validate(TemplateSet(templates=(template,), environment="prod")).rows
    assert [row for row in found if row.verdict is not Verdict.PASS] == []
    assert len(found) == len(template.resources)


def test_codepipeline_example_judges_with_a_role_that_cannot_deploy() -> None:
    template = load_template(ROOT / ".ci" / "codepipeline.yaml", "us-east-1")
    rows = judge(TemplateSet(templates=(template,), environment="prod"), our_rules()).rows
    verdicts = {row.verdict for row in rows if "JudgeRole" in row.path and "ActivePassive-IAM" in row.rule}
    assert verdicts == {Verdict.PASS}
    resources = {one.logical_id: one.properties for one in template.resources}
    judging, deploying = (resources[resources[name]["ServiceRole"]["Fn::GetAtt"][0]] for name in ("Judge", "Deploy"))
    assert "ManagedPolicyArns" not in judging
    (build,) = judging["Policies"]
    assert {action for one in build["PolicyDocument"]["Statement"] for action in one["Action"]} == {
        *("s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"),
        *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
    }
    assert deploying["Policies"][0] == build
    permissions = (ROOT / ".github" / "deploy-role-permissions.json").read_text("utf-8")
    for ours, its in _NAMES_OF_CODEPIPELINE.items():
        permissions = re.sub(ours, its, permissions)
    assert _filled_in(deploying["Policies"][1]["PolicyDocument"]) == json.loads(permissions)


_NAMES_OF_CODEPIPELINE: Final = {
    r"\barn:aws:": "arn:${AWS::Partition}:",
    r"\bACCOUNT\b": "${AWS::AccountId}",
    r"\bPREFIX\b": "${Prefix}",
    r"\bENVIRONMENT\b": "${Environment}",
    r"\bhnb659fds\b": "${Qualifier}",
}


def _filled_in(value: Any) -> Any:  # noqa: ANN401 - a template
    """Return a value of a template with the text of each Fn::Sub in its place."""
    if isinstance(value, list):
        return [_filled_in(one) for one in value]
    if not isinstance(value, dict):
        return value
    return value["Fn::Sub"] if value.keys() == {"Fn::Sub"} else {name: _filled_in(one) for name, one in value.items()}


@pytest.mark.parametrize("file", ["gitlab-ci.yml", "codepipeline.yaml"])
def test_example_pipeline_runs_the_sessions_of_the_workflows(file: str) -> None:
    text = (ROOT / ".ci" / file).read_text("utf-8")
    deployed = (ROOT / ".github" / "workflows" / "deploy.yml").read_text("utf-8")
    assert set(re.findall(r"nox -s (\w+)", text)) == {"synth", "compliance", "cdk", "e2e"}
    assert set(re.findall(r"nox -s (\w+)", deployed)) - {"environment"} == {"synth", "compliance", "cdk", "e2e"}
    assert "pip install --require-hashes --no-deps -r requirements/ci.txt" in text
