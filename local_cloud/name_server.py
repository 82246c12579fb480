"""The name server of every hosted zone, on a UDP port of the loopback. It answers as Route 53 would at that time.

Faithful: failover records by the state of their health checks, PRIMARY when neither is healthy, and a record without a
check is always healthy; CNAMEs are followed within the zone; AA, NXDOMAIN, REFUSED outside of all zones; the TTL is the
record's, in the time factor's time.
Different from AWS: private zones answer everybody; an alias is answered with this server's own address; of other routing
policies than failover the first healthy record is answered; there is no TCP.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any, Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from ministack.core.responses import request_scope
from ministack.services import route53

from local_cloud.clock import clock
from local_cloud.shims.health_checkers import checkers

_HOME: Final = "us-east-1"
_ALIAS_SECONDS: Final = 60
_LONGEST_CHAIN: Final = 8
_log: Final = logging.getLogger("local_cloud.name_server")
Record = dict[str, Any]


class NameServer(asyncio.DatagramProtocol):
    """Answers each datagram with one, and aliases with its own host; it drops datagrams that are not queries."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._transport: asyncio.DatagramTransport | None = None
        self._answering: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Listen on a free port, and return `<address>:<port>`."""
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(self._host, 0))
        self._transport = transport
        address, port = transport.get_extra_info("sockname")
        return f"{address}:{port}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a query in a thread, because it may need a health check."""
        task = asyncio.get_running_loop().create_task(self._reply(data, addr))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _reply(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            answered = await asyncio.to_thread(answer, data, self._host)
        except dns.exception.DNSException as error:
            _log.info("dropped %d bytes from %s: %s", len(data), addr, error)
            return
        except Exception:  # noqa: BLE001  a question that breaks this must be seen, and must not be without an answer
            _log.exception("could not answer %r", data)
            return
        if self._transport is not None:
            self._transport.sendto(answered, addr)


def answer(data: bytes, own_address: str) -> bytes:
    """Return the response to a query, both in wire format; `own_address` is the answer to an alias."""
    query = dns.message.from_wire(data)
    response = dns.message.make_response(query)
    if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
        response.set_rcode(dns.rcode.NOTIMP)
        return response.to_wire()
    (question,) = query.question
    found = _zone_of(question.name)
    if found is None:
        response.set_rcode(dns.rcode.REFUSED)
        return response.to_wire()
    account, zone_id = found
    response.flags |= dns.flags.AA
    with request_scope(account, _HOME):
        records = list(route53._records.get(zone_id, []))
        response.answer.extend(_answers(question.name, question.rdtype, records, own_address))
    if not any(_name(record) == question.name for record in records):
        response.set_rcode(dns.rcode.NXDOMAIN)
    return response.to_wire()


def _zone_of(name: dns.name.Name) -> tuple[str, str] | None:
    """Return account and id of the innermost zone that contains the name."""
    zones = {
        (account, zone_id): dns.name.from_text(zone["name"]) for (account, zone_id), zone in route53._zones.to_dict().items()
    }
    inside = [key for key, zone in zones.items() if name.is_subdomain(zone)]
    return max(inside, key=lambda key: len(zones[key]), default=None)


def _answers(
    name: dns.name.Name, kind: dns.rdatatype.RdataType, records: list[Record], own_address: str
) -> Iterator[dns.rrset.RRset]:
    for _ in range(_LONGEST_CHAIN):
        of_name = [record for record in records if _name(record) == name]
        wanted = [record for record in of_name if dns.rdatatype.from_text(record["Type"]) == kind]
        chosen = _choose(wanted or [record for record in of_name if record["Type"] == "CNAME"])
        if chosen is None:
            return
        answered = _rrset(name, chosen, own_address)
        yield answered
        if wanted or chosen["Type"] != "CNAME":
            return
        name = answered[0].target


def _choose(records: list[Record]) -> Record | None:
    """Return the record to answer, of those with one name and type."""
    ordered = sorted(records, key=lambda record: record.get("Failover", "") != "PRIMARY")
    return next((record for record in ordered if _is_healthy(record)), ordered[0] if ordered else None)


def _is_healthy(record: Record) -> bool:
    identity = record.get("HealthCheckId")
    return not identity or checkers.state(identity)[0]


def _rrset(name: dns.name.Name, record: Record, own_address: str) -> dns.rrset.RRset:
    kind = dns.rdatatype.from_text(record["Type"])
    values = [own_address] if record.get("AliasTarget") else list(record.get("ResourceRecords") or [])
    rdatas = [
        dns.rdata.from_text(dns.rdataclass.IN, kind, value, origin=dns.name.root, relativize=False) for value in values
    ]
    seconds = clock.seconds(float(record.get("TTL") or _ALIAS_SECONDS))
    # A TTL has whole seconds; rounded down to 0, it would forbid caching.
    return dns.rrset.from_rdata_list(name, max(1, round(seconds)), rdatas)


def _name(record: Record) -> dns.name.Name:
    return dns.name.from_text(record["Name"])
