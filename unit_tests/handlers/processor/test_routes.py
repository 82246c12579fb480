"""Test the route of each error, row by row as docs/processor.md lists them."""

import re
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError, ReadTimeoutError

from handlers.processor.deadline import OutOfTimeError
from handlers.processor.errors import ConflictingResultError, Fault, UnreadableError, UnrepairableError
from handlers.processor.routes import Decision, Route, is_throttled
from unit_tests.handlers.processor.messages_of_sqs import message, s3_event
from unit_tests.handlers.processor.test_pipeline import REGION, World

DOCUMENT = Path(__file__).parents[3] / "docs" / "processor.md"


def refused(code: str, text: str = "", operation: str = "GetObject") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": text}}, operation)


SSE_C = (
    "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the "
    "object."
)


@pytest.mark.parametrize(
    ("error", "route"),
    [
        (refused("AccessDenied"), Route.RETRY),
        (refused("NoSuchKey"), Route.GONE),
        (refused("NoSuchVersion"), Route.GONE),
        (refused("MethodNotAllowed"), Route.GONE),
        (refused("NoSuchBucket"), Route.RETRY),
        (refused("InvalidObjectState"), Route.DEAD_LETTER),
        (refused("InvalidRequest", SSE_C), Route.DEAD_LETTER),
        (refused("InvalidRequest", "another reason"), Route.RETRY),
        (refused("KMS.DisabledException"), Route.DEAD_LETTER),
        (refused("KMS.KMSInvalidStateException"), Route.DEAD_LETTER),
        (refused("KMS.NotFoundException"), Route.DEAD_LETTER),
        (refused("InternalError"), Route.RETRY),
        (refused("SlowDown"), Route.RETRY),
        (refused("ThrottlingException", operation="BatchWriteItem"), Route.RETRY),
        (ReadTimeoutError(endpoint_url="x"), Route.RETRY),
        (FlexibleChecksumError(error_msg="x"), Route.RETRY),
        (BotoCoreError(), Route.RETRY),
        (MemoryError(), Route.RETRY),
        (OutOfTimeError("x"), Route.RETRY),
        (ConflictingResultError("o"), Route.RETRY),
        (UnrepairableError("o"), Route.RETRY),
        (UnreadableError(Fault.GONE, "x"), Route.GONE),
        *((UnreadableError(fault, "x"), Route.QUARANTINE) for fault in Fault if fault is not Fault.GONE),
    ],
    ids=lambda value: value.name if isinstance(value, Route) else str(value)[:40],
)
def test_error_has_its_route(error: Exception, route: Route) -> None:
    assert Decision.of(error).route is route


ROUTES = {"gone": Route.GONE, "retry": Route.RETRY, "dead letter at once": Route.DEAD_LETTER}


def documented() -> list[tuple[str, str]]:
    """Return each error code of S3 and DynamoDB in the table of docs/processor.md, and its route there."""
    table = DOCUMENT.read_text("utf-8").partition("## Where an error leads")[2].partition("**Retry**")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return [(code, row[1]) for row in rows for code in re.findall(r"`((?:KMS\.)?(?:[A-Z][a-z0-9]*){2,})`", row[0])]


@pytest.mark.parametrize(("code", "route"), documented())
def test_documented_error_has_its_documented_route(code: str, route: str) -> None:
    if code == "MemoryError":
        assert Decision.of(MemoryError()).route is ROUTES[route]
    elif route == "none":
        assert is_throttled(refused(code))
    else:
        assert Decision.of(refused(code, SSE_C if code == "InvalidRequest" else "")).route is ROUTES[route]


def test_documented_errors_are_found() -> None:
    assert {"NoSuchVersion", "InvalidObjectState", "KMS.NotFoundException", "SlowDown", "RequestLimitExceeded"} <= {
        code for code, _ in documented()
    }


@pytest.mark.parametrize("code", ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"])
def test_throttling_differs_from_other_refusals(code: str) -> None:
    assert is_throttled(refused(code))
    assert not is_throttled(refused("ValidationException"))


def test_archived_object_is_a_dead_letter_at_its_first_receive() -> None:
    world = World()
    world.s3.get_object.side_effect = refused("InvalidObjectState")
    assert world.process() == ["ledger.look", "ledger.begin", "archive.last_receive", "dead_letters.send"]
    problem = world.dead_letters.send.call_args.args[1]
    assert problem.reason.startswith("unavailable: the object is in an archive storage class; restore it")


@pytest.mark.parametrize("receives", [1, 2, 5])
def test_failed_message_is_held_back_and_raised(receives: int) -> None:
    world = World()
    world.s3.get_object.side_effect = refused("AccessDenied")
    with pytest.raises(ClientError):
        world.process(message(receives=receives))
    assert world.own_queue.hold_back.call_args.args[0].receive_count == receives


@pytest.mark.parametrize("key", ["incoming/a+b", "incoming/a b", "incoming/é/😀", "incoming/a\nb", "incoming/%2B"])
def test_key_of_any_characters_is_read_as_it_is(key: str) -> None:
    world = World()
    world.process(message(s3_event(key=key)))
    assert world.s3.get_object.call_args.kwargs["Key"] == key
    assert world.result.region == REGION
