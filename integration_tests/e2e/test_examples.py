"""The browser example of docs/examples.md uploads to the deployed platform from a page, signed in the browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Route

from integration_tests.e2e.cleanup import Made
from integration_tests.e2e.report import Run
from integration_tests.e2e.waiting import wait_until
from operations.deployment import Deployment
from operations.ledger import Ledger
from reporting import chromium

pytestmark = pytest.mark.local_only  # the local cloud refuses pages, so the test forwards their requests

PAGE: Final = (Path(__file__).parents[2] / "docs" / "examples.md").read_text("utf-8")
(MODULE,) = re.findall(r"^```js\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
HTML: Final = '<!doctype html><script type="module">import { upload } from "/upload.js"; window.upload = upload;</script>'
CALL: Final = "([content, key, given]) => upload(new File([content], 'any'), key, given)"
SIMPLE: Final = {"accept", "accept-language", "content-length", "host", "referer", "user-agent"}


def test_browser_example_uploads_although_the_first_region_is_unreachable(deployment: Deployment, run: Run) -> None:
    target = run.target
    key = f"e2e/{target.run_id}/browser 1%ü.ndjson"
    asked: list[dict[str, str]] = []
    sent: set[str] = set()

    def serve(route: Route) -> None:
        is_page = route.request.url.endswith("/")
        route.fulfill(body=HTML if is_page else MODULE, content_type="text/html" if is_page else "text/javascript")

    def forward(route: Route) -> None:
        headers = {
            name: value
            for name, value in route.request.all_headers().items()
            if name != "origin" and not name.startswith("sec-")
        }
        if route.request.method == "POST":
            sent.update(headers.keys() - SIMPLE)
            asked.append(json.loads(route.request.post_data or ""))
        answer = route.fetch(headers=headers)
        route.fulfill(response=answer, headers={**answer.headers, "access-control-allow-origin": "*"})

    credentials = target.caller_credentials()
    assert credentials
    given = {
        "source": target.source,
        "endpoints": [
            {"region": target.primary, "url": "http://unreachable.invalid"},
            {"region": target.secondary, "url": deployment.api_url(target.secondary)},
        ],
        "credentials": {
            "accessKeyId": credentials.access_key,
            "secretAccessKey": credentials.secret_key,
            "sessionToken": credentials.token,
        },
    }
    with chromium.launched() as browser:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.route("**", forward)
        page.route("http://unreachable.invalid/**", lambda route: route.abort())
        page.route("http://localhost/**", serve)
        page.goto("http://localhost/")
        page.wait_for_function("'upload' in window")
        made = page.evaluate(CALL, ['{"id": 1}\n{"id": 2}\n', key, given])

    (request,) = asked
    run.issued.append(Made(made["id"], 2, request["upload_id"]))
    assert (made["region"], request["key"]) == (target.secondary, key)
    # Those that infra/constructs/front_door.py lets a page send.
    assert sent <= {"authorization", "content-type", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"}
    for replica in target.regions:
        ledger = Ledger(deployment, replica)
        assert wait_until(target, lambda ledger=ledger: len(ledger.records(made["id"], 2)) == 2)  # type: ignore[misc]
