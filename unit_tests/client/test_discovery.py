"""Discovery of the active region: by a TXT record, or by the region that answers at the domain."""

from __future__ import annotations

from typing import Any

import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from client import Answer, Configuration, Request, Unreachable
from client.discovery import Discovery, Found, Unanswered, make_lookup
from unit_tests.client.world import PRIMARY, SECONDARY, FakeClock, World

RECORD = "region.serverless-ingest-prod.internal"
ENDPOINTS = [{"region": one, "url": f"https://{one}.example.org"} for one in (PRIMARY, SECONDARY)]


def _answering(monkeypatch: pytest.MonkeyPatch, ttl: int, text: str) -> list[tuple[Any, ...]]:
    asked: list[tuple[Any, ...]] = []

    def resolve(self: dns.resolver.Resolver, name: str, kind: Any, **_: Any) -> dns.resolver.Answer:  # noqa: ANN401
        asked.append((tuple(self.nameservers), self.port, name))
        query = dns.message.make_query(name, kind)
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text(f"{name}.", ttl, "IN", "TXT", text))
        received = dns.message.from_wire(response.to_wire())
        assert isinstance(received, dns.message.QueryMessage)
        return dns.resolver.Answer(dns.name.from_text(name), kind, dns.rdataclass.IN, received)

    monkeypatch.setattr(dns.resolver.Resolver, "resolve", resolve)
    return asked


def test_record_lookup_asks_the_named_server_and_keeps_the_ttl(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _answering(monkeypatch, 42, f'"{SECONDARY}"')
    values = {"endpoints": ENDPOINTS, "record": RECORD, "name_server": "127.0.0.1:5353"}
    lookup = make_lookup(Configuration.of(values), World())
    assert lookup
    assert lookup() == Found(SECONDARY, 42.0)
    assert asked == [(("127.0.0.1",), 5353, RECORD)]


def test_record_lookup_without_an_answer_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise dns.resolver.NXDOMAIN

    monkeypatch.setattr(dns.resolver.Resolver, "resolve", resolve)
    values = {"endpoints": ENDPOINTS, "record": RECORD, "name_server": "127.0.0.1"}
    lookup = make_lookup(Configuration.of(values), World())
    assert lookup
    with pytest.raises(Unanswered, match=RECORD):
        lookup()


@pytest.mark.parametrize(
    ("answer", "region"),
    [
        (Answer(200, b'{"status": "ok", "region": "us-west-2"}'), SECONDARY),
        (Answer(503, b""), None),
        (Answer(200, b"<html>"), None),
        (Answer(200, b"[]"), None),
        (Answer(200, b'{"region": 1}'), None),
        (None, None),
    ],
)
def test_domain_lookup_returns_the_region_that_answers(answer: Answer | None, region: str | None) -> None:
    class Domain:
        def send(self, request: Request) -> Answer:
            assert request.url == "https://ingest.example.org/healthz"
            if answer is None:
                raise Unreachable("no connection could be made")
            return answer

    lookup = make_lookup(Configuration.of({"domain": "ingest.example.org", "regions": [PRIMARY, SECONDARY]}), Domain())
    assert lookup
    if region:
        assert lookup().region == region
    else:
        with pytest.raises(Unanswered):
            lookup()


def test_answer_is_kept_for_its_ttl_and_outlives_a_failed_lookup() -> None:
    clock = FakeClock()
    warnings: list[str] = []
    answers: list[Found | None] = [Found(PRIMARY, 60), Found(SECONDARY, 60), None, Found(PRIMARY, 60)]

    def lookup() -> Found:
        found = answers.pop(0)
        if found is None:
            raise Unanswered("nobody says")
        return found

    discovery = Discovery(lookup, clock, warnings.append, [PRIMARY, SECONDARY])
    seen = []
    for pause in (0, 59, 1, 60, 1, 29):
        clock.pass_(pause)
        seen.append(discovery.active())
    assert seen == [PRIMARY, PRIMARY, SECONDARY, SECONDARY, SECONDARY, PRIMARY]
    assert warnings == ["nobody says"]


def test_failed_region_is_looked_up_again_before_its_ttl() -> None:
    clock = FakeClock()
    answers = [Found(PRIMARY, 3600), Found(SECONDARY, 3600)]
    discovery = Discovery(lambda: answers.pop(0), clock, list[str]().append, [PRIMARY, SECONDARY])
    assert discovery.active() == PRIMARY
    discovery.forget()
    clock.pass_(11)
    assert discovery.active() == SECONDARY
