"""Test the HTTP of the answer with urllib's own code, without a socket."""

import io
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from urllib.response import addinfourl

import pytest

from handlers.shared import custom_resource
from handlers.shared.custom_resource import AnswerError


class Line(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
    """The last handler of urllib, which records each request instead of sending it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[urllib.request.Request] = []
        self.status = 200

    def https_open(self, req: urllib.request.Request) -> addinfourl:  # type: ignore[override]
        """Answer as the server does."""
        self.sent.append(req)
        answer = addinfourl(io.BytesIO(b""), Message(), req.full_url, self.status)
        answer.msg = "as scripted"  # type: ignore[attr-defined]
        return answer

    http_open = https_open  # type: ignore[assignment]


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    line = Line()
    monkeypatch.setattr(urllib.request, "_opener", urllib.request.build_opener(line))
    return line  # type: ignore[return-value]


def test_put_sends_the_empty_content_type_of_the_signature(line: Line) -> None:
    custom_resource.put("https://bucket.s3.amazonaws.com/answer?signature=a%2Bb", b"{}")
    (request,) = line.sent
    assert request.get_method() == "PUT"
    assert request.full_url == "https://bucket.s3.amazonaws.com/answer?signature=a%2Bb"
    assert request.data == b"{}"
    assert request.get_header("Content-type") == ""
    assert request.get_header("Content-length") == "2"


def test_put_that_is_refused_raises_oserror(line: Line) -> None:
    line.status = 503
    with pytest.raises(urllib.error.HTTPError, match="503") as refusal:
        custom_resource.put("https://bucket.s3.amazonaws.com/answer", b"{}")
    assert isinstance(refusal.value, OSError)
    refusal.value.close()


def test_put_to_the_loopback_may_use_http(line: Line) -> None:
    custom_resource.put("http://127.0.0.1:4566/answer", b"{}")
    assert len(line.sent) == 1


@pytest.mark.parametrize("url", ["http://example.com/a", "file:///etc/passwd", "ftp://127.0.0.1/a", ""])
def test_put_to_another_scheme_or_host_is_refused(line: Line, url: str) -> None:
    with pytest.raises(AnswerError, match="https is needed"):
        custom_resource.put(url, b"{}")
    assert not line.sent
