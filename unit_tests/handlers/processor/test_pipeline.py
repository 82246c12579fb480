"""Test the pipeline's outcomes and the order of its writes: data is written before the row that confirms it."""

import io
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock, call

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from handlers.processor.archive import Archive
from handlers.processor.deadline import Deadline, OutOfTimeError
from handlers.processor.errors import ConflictingRecordsError, ConflictingResultError, UnrepairableError
from handlers.processor.intake import Taken
from handlers.processor.messages import Message
from handlers.processor.objects import ObjectReader
from handlers.processor.own_queue import DeadLetters, OwnQueue
from handlers.processor.parsers import Position
from handlers.processor.pipeline import Pipeline
from handlers.processor.record_rows import Pruned
from handlers.processor.settings import Settings
from handlers.processor.shadow import Shadow
from handlers.processor.store import Checkpoint, Concluded, Known, Ledger
from handlers.processor.telemetry import Telemetry
from handlers.processor.walk import Place
from handlers.shared import schema
from handlers.shared.claims import Active
from handlers.shared.control import ControlRegister
from unit_tests.fixtures import unchanged
from unit_tests.handlers.processor.messages_of_sqs import message, objects_of, s3_event
from unit_tests.handlers.shared.test_environment import good

Logger()  # the parent, which the handler creates: without it the pipeline's child logger accepts no keys

REGION, PEER = "us-east-1", "us-west-2"
GOOD, ONE_BAD, UNREADABLE = b'{"a":1}\n{"a":2}\n', b'{"a":1}\nbad\n', b"["
CONCLUDED = ("ledger.conclude", "ledger.settle", "ledger.finish")
READ = ("ledger.holds", "ledger.settle", "ledger.finish")
LANDED = ("ledger.write_records", *CONCLUDED)
RESULT = Concluded(accepted=2, records=2, effect_digest="e", processing_version="p1", region="us-west-2")
SETTINGS = Settings.read(
    good(Settings)
    | {
        "AWS_REGION": REGION,
        "PRIMARY_REGION": REGION,
        "SECONDARY_REGION": PEER,
        "INGEST_BUCKET": "ingest",
        "SOURCE": "ingest",
    }
    | {"MAXIMUM_OBJECT_BYTES": "1000", "MAXIMUM_EXPANDED_BYTES": "1000", "MAXIMUM_RECEIVES": "5"}
    | {"SHADOW_DELAY_SECONDS": "15", "SHADOW_MAXIMUM_AGE_SECONDS": "3600", "FORMATS": ""}
)


class World:
    """A pipeline whose collaborators record their calls in order."""

    def __init__(self, body: bytes = GOOD, *, active: str = REGION, known: Known | None = None) -> None:
        self.calls = Mock()
        self.ledger = self._neighbour("ledger", Ledger)
        self.ledger.look.return_value = known = known or Known()
        self.ledger.begin.return_value = known.attempts + 1
        self.ledger.holds.return_value = True
        self.ledger.conclude.return_value = True
        self.ledger.write_records.side_effect = lambda _id, records, *_, **__: list(records)[:0] or None
        self.ledger.prune.side_effect = lambda _id, records, *_: Pruned(held=records)
        self.archive = self._neighbour("archive", Archive)
        self.dead_letters = self._neighbour("dead_letters", DeadLetters)
        self.shadow = self._neighbour("shadow", Shadow)
        self.own_queue = self._neighbour("own_queue", OwnQueue)
        self.telemetry = Mock(spec=Telemetry)
        self.control = Mock(spec=ControlRegister)
        self.control.active.return_value = Active(active, 3)
        self.s3 = Mock()
        self.bodies: list[StreamingBody] = []

        def get(*, Range: str = "bytes=0-", **_: object) -> dict[str, Any]:  # noqa: N803 - S3's name
            rest = body[int(Range.removeprefix("bytes=").removesuffix("-")) :]
            self.bodies.append(StreamingBody(io.BytesIO(rest), len(rest)))
            return {
                "Body": self.bodies[-1],
                "ContentLength": len(rest),
                "LastModified": datetime(2026, 1, 31, 12, tzinfo=UTC),
            }

        self.s3.get_object.side_effect = get
        self.pipeline = Pipeline(
            settings=SETTINGS,
            ledger=self.ledger,
            control=self.control,
            reader=ObjectReader(self.s3),
            archive=self.archive,
            dead_letters=self.dead_letters,
            own_queue=self.own_queue,
            shadow=self.shadow,
            telemetry=self.telemetry,
            transform=unchanged,
            processing_version="p1",
        )

    def process(self, received: Message | None = None, *, deadline: Deadline | None = None) -> list[str]:
        """Process a message, and return the calls in order."""
        self.pipeline.process(received or message(), deadline or Deadline(lambda: 300.0))
        return self.order

    @property
    def order(self) -> list[str]:
        """Calls until now."""
        return [name for name, _, _ in self.calls.mock_calls]

    @property
    def result(self) -> Any:  # noqa: ANN401 - a Result
        """The RESULT that was written."""
        return self.ledger.conclude.call_args.args[0]

    def _neighbour(self, name: str, kind: type) -> Any:  # noqa: ANN401 - a stand-in
        neighbour = Mock(spec=kind)
        self.calls.attach_mock(neighbour, name)
        return neighbour


def test_pipeline_writes_records_before_result() -> None:
    world = World()
    assert world.process() == ["ledger.look", "ledger.begin", *LANDED]
    assert (world.result.state, world.result.accepted, world.result.rejected) == ("COMPLETED", 2, 0)
    assert (world.result.region, world.result.epoch) == (REGION, 3)
    assert world.ledger.finish.call_args.kwargs == {"attempts": world.ledger.begin.return_value}


def test_pipeline_archives_rejections_before_it_writes_records() -> None:
    world = World(ONE_BAD)
    order = world.process()
    assert order[2:] == ["archive.rejections", *LANDED]
    assert (world.result.accepted, world.result.rejected) == (1, 1)


def test_pipeline_archives_and_sends_a_quarantine_before_result() -> None:
    world = World(UNREADABLE)
    assert world.process()[2:] == [
        "archive.copy",
        "archive.quarantine",
        "dead_letters.send",
        *CONCLUDED,
    ]
    assert (world.result.state, world.result.accepted, world.result.rejected) == ("QUARANTINED", 0, 0)
    assert world.result.reason.startswith("bad_structure: ")


@pytest.mark.parametrize("step", ["conclude", "settle"])
def test_quarantine_counts_though_a_call_about_its_result_fails(step: str) -> None:
    world = World(UNREADABLE)
    getattr(world.ledger, step).side_effect = ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")
    with pytest.raises(ClientError):
        world.process()
    assert call("ObjectsQuarantined") in world.telemetry.count.mock_calls


GONE = ClientError({"Error": {"Code": "NoSuchVersion"}}, "GetObject")
NOTED_GONE = ["archive.quarantine", "ledger.note_gone"]


@pytest.mark.parametrize("was_begun", [False, True])
def test_a_deleted_version_is_noted_and_no_row_is_touched(was_begun: bool) -> None:  # noqa: FBT001 - a parameter
    world = World(known=Known(was_begun=was_begun))
    world.s3.get_object.side_effect = GONE
    assert world.process() == ["ledger.look", "ledger.begin", *NOTED_GONE]
    assert world.ledger.note_gone.call_args.args[1].startswith("gone: version ")


def put_back_before(times: int) -> Message:
    return message(hops={"StringValue": str(times), "DataType": "Number"})


@pytest.mark.parametrize(("hops", "steps"), [(6, ["shadow.put_back"]), (7, NOTED_GONE), (8, ["shadow.put_back"])])
def test_a_deleted_version_ends_in_the_passive_region_too(hops: int, steps: list[str]) -> None:
    world = World(active=PEER)
    world.s3.get_object.side_effect = GONE
    assert world.process(put_back_before(hops)) == ["ledger.look", *steps]


def test_a_passive_region_waits_for_the_records_of_a_known_result() -> None:
    world = World(active=PEER, known=Known(result=RESULT))
    world.ledger.holds.return_value = False
    world.s3.get_object.side_effect = GONE
    assert world.process(put_back_before(7)) == ["ledger.look", "ledger.holds", "shadow.put_back"]


@pytest.mark.parametrize(("region", "forget"), [(REGION, [schema.GONE]), (PEER, [])])
def test_attempt_at_an_object_that_arrives_late_forgets_it_was_gone(region: str, forget: list[str]) -> None:
    world = World(known=Known(gone_in=frozenset({region}), was_begun=True))
    world.process()
    assert world.ledger.begin.call_args.kwargs["forget"] == forget


def test_a_passive_region_processes_what_is_gone_in_the_active_one() -> None:
    world = World(active=PEER, known=Known(gone_in=frozenset({PEER}), was_begun=True))
    assert world.process() == ["ledger.look", "ledger.begin", "ledger.write_records", "ledger.prune", *CONCLUDED]


@pytest.mark.parametrize("active", [REGION, PEER])
def test_settled_object_is_left_alone_in_either_role(active: str) -> None:
    world = World(active=active, known=Known(result=RESULT, is_settled=True))
    assert world.process() == ["ledger.look"]
    assert not world.s3.get_object.called


@pytest.mark.parametrize("active", [REGION, PEER])
def test_a_result_whose_records_are_all_here_is_settled_once(active: str) -> None:
    world = World(active=active, known=Known(result=RESULT))
    assert world.process() == ["ledger.look", "ledger.holds", "ledger.settle"]


def test_a_result_without_its_records_is_put_back_while_passive() -> None:
    world = World(active=PEER, known=Known(result=RESULT, was_begun=True, put_backs=8))
    world.ledger.holds.return_value = False
    assert world.process() == ["ledger.look", "ledger.holds", "shadow.put_back"]
    assert world.shadow.put_back.call_args.args[2] == 8


@pytest.mark.parametrize(("version", "is_made"), [("p1", True), ("p0", False)])
def test_a_passive_region_makes_again_what_its_reconciler_found(version: str, is_made: bool) -> None:  # noqa: FBT001
    known = Known(result=replace(RESULT, processing_version=version), is_settled=True, was_begun=True)
    world = World(active=PEER, known=known)
    world.ledger.holds.return_value = False
    steps = world.process(message(verify={"StringValue": "1", "DataType": "Number"}))
    made = ["ledger.begin", "ledger.unsettle", "ledger.write_records", "ledger.prune", *CONCLUDED]
    assert steps == ["ledger.look", "ledger.holds", "ledger.unsettle", *(made if is_made else ["shadow.put_back"])]


def test_a_result_without_its_records_is_processed_again_while_active() -> None:
    world = World(known=Known(result=RESULT, was_begun=True))
    world.ledger.holds.return_value = False
    steps = ["ledger.look", "ledger.holds", "ledger.begin", "ledger.write_records", "ledger.prune", *CONCLUDED]
    assert world.process() == steps
    assert world.ledger.conclude.call_args.kwargs["instead_of"] is None, "of one version: the first RESULT stays"


def test_a_result_of_another_version_without_its_records_is_replaced() -> None:
    older = replace(RESULT, processing_version="p0")
    world = World(known=Known(result=older, was_begun=True))
    world.ledger.holds.return_value = False
    world.process()
    assert world.ledger.conclude.call_args.kwargs["instead_of"] == older
    assert world.ledger.prune.call_args.args[1:3] == (2, "p1")


def test_settled_note_is_verified_after_a_failed_delivery() -> None:
    world = World(known=Known(result=RESULT, is_settled=True))
    assert world.process(message(receives=2)) == ["ledger.look", "ledger.holds", "ledger.settle"]


def test_message_to_verify_ignores_the_settled_note() -> None:
    world = World(known=Known(result=RESULT, is_settled=True))
    verify = {"verify": {"StringValue": "1", "DataType": "Number"}}
    assert world.process(message(**verify)) == ["ledger.look", "ledger.holds", "ledger.settle"]


@pytest.mark.parametrize(("age", "is_read"), [(1, False), (1000, True)])
def test_result_is_not_verified_while_another_version_is_written(*, age: float, is_read: bool) -> None:
    known = Known(result=RESULT, is_attempt_unfinished=True, rewritten_at=time.time() - age, attempts=2)
    world = World(active=PEER, known=known)
    assert world.process() == ["ledger.look", *(READ if is_read else ["shadow.put_back"])]


@pytest.mark.parametrize(
    ("known", "began", "withdraws"),
    [
        (Known(result=replace(RESULT, processing_version="p0"), is_settled=True, attempts=1), 2, True),
        (Known(version_at_work="p0", was_begun=True, attempts=1), 2, True),
        (Known(), 2, True),  # another attempt has begun since the look
        (Known(version_at_work="p1", was_begun=True, attempts=1), 2, False),
        (Known(), 1, False),
    ],
)
def test_attempt_withdraws_for_its_version_before_it_replaces_records(*, known: Known, began: int, withdraws: bool) -> None:
    world = World(known=known)
    world.ledger.begin.return_value = began
    order = world.process(message(reprocess={"StringValue": "1", "DataType": "Number"}))
    steps = ["ledger.look", "ledger.begin", *["ledger.unsettle"] * withdraws, "ledger.write_records"]
    assert order[: len(steps)] == steps
    assert all(one.args[1] == "p1" for one in world.ledger.unsettle.mock_calls)


def test_result_is_not_settled_after_a_withdrawal() -> None:
    world = World(active=PEER, known=Known(result=RESULT, withdrawals=6, is_attempt_unfinished=True))
    world.ledger.settle.return_value = False
    assert world.process() == ["ledger.look", "ledger.holds", "ledger.settle", "shadow.put_back"]
    assert world.ledger.settle.call_args.kwargs == {"withdrawals": 6}


@pytest.mark.parametrize(("age", "counts"), [(1, False), (3600, True)])
def test_missing_records_count_once_replication_had_its_time(*, age: float, counts: bool) -> None:
    result = replace(RESULT, processed_at=time.time() - age)
    world = World(active=PEER, known=Known(result=result))
    world.ledger.holds.return_value = False
    world.process()
    assert (call("ResultsWithoutRecords") in world.telemetry.count.mock_calls) is counts


def test_attempt_that_finds_another_result_raises() -> None:
    world = World()
    world.ledger.conclude.return_value = False
    world.ledger.look.side_effect = [Known(), Known(result=RESULT)]
    with pytest.raises(ConflictingResultError, match="deterministic"):
        world.process()
    assert world.order[-4:] == ["ledger.conclude", "ledger.look", "ledger.unsettle", "own_queue.hold_back"]


def test_deleted_object_with_a_result_raises_unrepairable() -> None:
    world = World(known=Known(result=RESULT, was_begun=True))
    world.ledger.holds.return_value = False
    world.s3.get_object.side_effect = ClientError({"Error": {"Code": "NoSuchVersion"}}, "GetObject")
    with pytest.raises(UnrepairableError, match="upload the file again"):
        world.process()
    assert not world.ledger.conclude.called
    assert not world.ledger.prune.called


def test_rejections_of_the_other_region_are_archived_here_too() -> None:
    result = Concluded(accepted=1, records=2, effect_digest="e", processing_version="p1", region=PEER)
    world = World(ONE_BAD, active=PEER, known=Known(result=result))
    assert world.process() == ["ledger.look", "ledger.holds", "archive.rejections", "ledger.settle"]


def test_quarantine_of_the_other_region_is_archived_here_too() -> None:
    reason = "bad_structure: it ends early"
    result = Concluded(accepted=0, records=0, effect_digest="e", processing_version="p1", region=PEER, reason=reason)
    world = World(UNREADABLE, active=PEER, known=Known(result=result))
    assert world.process() == ["ledger.look", "ledger.holds", "archive.copy", "archive.quarantine", "ledger.settle"]
    note = world.archive.quarantine.call_args.args[1]
    assert (note["fault"], note["reason"]) == ("bad_structure", reason)


def test_a_foreign_record_is_refused_and_the_others_are_taken_in() -> None:
    world = World()
    foreign = s3_event(key="elsewhere/x")["Records"]
    order = world.process(message({"Records": [*foreign, *s3_event()["Records"]]}))
    assert order == ["archive.quarantine", "dead_letters.send", "ledger.look", "ledger.begin", *LANDED]
    assert world.archive.quarantine.call_args.args[0] == f"{message().message_identity}-0"


def test_foreign_records_are_refused_only_while_time_is_left() -> None:
    world, left = World(), iter((60.0, 60.0, 60.0, 2.5, 1.4, 1.4, 0.5))
    with pytest.raises(OutOfTimeError):
        world.process(message({"Records": 3 * s3_event(key="elsewhere/x")["Records"]}), deadline=Deadline(left.__next__))
    assert world.order == ["archive.quarantine", "dead_letters.send"] * 2 + ["own_queue.hold_back"]


def test_an_event_of_a_foreign_bucket_is_refused() -> None:
    world = World()
    assert world.process(message(s3_event(bucket="another"))) == ["archive.quarantine", "dead_letters.send"]
    assert "'another'" in world.archive.quarantine.call_args.args[1]["reason"]


def test_an_attempt_that_ended_without_its_last_note_gets_it() -> None:
    world = World(known=Known(result=RESULT, is_settled=True, is_attempt_unfinished=True))
    assert world.process() == ["ledger.look", "ledger.finish"]


def test_a_passive_region_waits_and_touches_nothing() -> None:
    world = World(active=PEER)
    assert world.process() == ["ledger.look", "shadow.put_back"]
    assert not world.s3.get_object.called


def test_message_of_several_objects_processes_only_unsettled_ones() -> None:
    world = World()
    done = objects_of(message(s3_event(key="incoming/a")), "ingest")[0].object_id
    world.ledger.look.side_effect = lambda object_id: Known(result=RESULT if object_id == done else None)
    world.process(message({"Records": [*s3_event(key="incoming/a")["Records"], *s3_event(key="incoming/b")["Records"]]}))
    assert [call.kwargs["Key"] for call in world.s3.get_object.mock_calls] == ["incoming/b"]


def test_message_that_is_no_event_is_archived_and_writes_no_row() -> None:
    world = World()
    assert world.process(message("nonsense")) == ["archive.quarantine", "dead_letters.send"]


@pytest.mark.parametrize("step", ["begin", "write_records", "conclude", "settle", "finish"])
@pytest.mark.parametrize("receives", [1, 4, 5])
def test_transient_error_is_raised_and_archived_at_the_last_receive(step: str, receives: int) -> None:
    world = World()
    getattr(world.ledger, step).side_effect = ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")
    with pytest.raises(ClientError):
        world.process(message(receives=receives))
    assert ("archive.last_receive" in world.order) is (receives == 5)
    assert not world.archive.quarantine.called
    if receives == 5:
        object_id, note = world.archive.last_receive.call_args.args
        assert object_id == objects_of(message(), "ingest")[0].object_id
        assert "ThrottlingException" in note["reason"]
        assert note["body"] == message().body


@pytest.mark.parametrize(("seconds", "notes"), [(100.0, 3), (1.5, 2), (0.5, 1)])
def test_notes_of_the_last_receive_end_with_the_time(seconds: float, notes: int) -> None:
    world, left = World(), [300.0]
    world.ledger.look.side_effect = ClientError({"Error": {"Code": "ThrottlingException"}}, "Query")

    def note(*_: object) -> None:
        left[0] = min(left[0], seconds + 1.0) - 1.0

    world.archive.last_receive.side_effect = note
    records = [one for key in "abc" for one in s3_event(key=f"incoming/{key}")["Records"]]
    with pytest.raises(ClientError):
        world.process(message({"Records": records}, receives=5), deadline=Deadline(lambda: left[0]))
    assert world.archive.last_receive.call_count == notes


@pytest.mark.parametrize("body", [GOOD, UNREADABLE, b"\n\n"], ids=["good", "unreadable", "no records at all"])
def test_an_object_that_is_not_read_in_time_leaves_no_result_and_no_record(body: bytes) -> None:
    left = iter([300.0] * 6)
    world = World(body)
    with pytest.raises(OutOfTimeError):
        world.process(deadline=Deadline(lambda: next(left, 1.0)))
    assert world.order == ["ledger.look", "ledger.begin", "own_queue.hold_back"], (
        "it stays unfinished, where it is looked for"
    )


@pytest.mark.parametrize(
    ("receives", "checkpoint", "is_quarantined"),
    [
        (4, None, False),
        (5, None, True),
        (5, Checkpoint("p1", 3, "v1", taken=Taken(1, 0)), True),
        (5, Checkpoint("p1", 3, "v1", is_read=True), False),
    ],
    ids=["earlier receive", "last receive", "read in part", "read before"],
)
def test_object_that_overruns_whole_invocations_is_quarantined(
    receives: int,
    checkpoint: Checkpoint | None,
    is_quarantined: bool,  # noqa: FBT001 - a parameter
) -> None:
    left = iter([300.0] * 6)
    world = World(known=Known(checkpoint=checkpoint))
    deadline = Deadline(lambda: next(left, 1.0))
    if is_quarantined:
        order = world.process(message(receives=receives), deadline=deadline)
        assert order[2:] == ["archive.copy", "archive.quarantine", "dead_letters.send", *CONCLUDED]
        assert world.result.reason.startswith("too_slow: a whole invocation of the function does not suffice")
    else:
        with pytest.raises(OutOfTimeError):
            world.process(message(receives=receives), deadline=deadline)
        assert not world.ledger.conclude.called


def test_object_that_began_late_and_is_not_read_is_postponed() -> None:
    left = iter([300.0, 300.0, 300.0, 300.0, 200.0, 200.0])
    world = World()
    world.process(message(receives=5), deadline=Deadline(lambda: next(left, 1.0)))
    assert world.order == ["ledger.look", "ledger.begin", "own_queue.continue_later"]


# --- an object that is too long for one invocation --------------------------------------------------------------

CONTINUED = ["ledger.note_checkpoint", "own_queue.continue_later"]


def written_to(ordinal: int, version: str = "p1", epoch: int = 3) -> Checkpoint:
    """Return the checkpoint of a file of two records that was read to its end."""
    return Checkpoint(version, epoch, "v1", ordinal, is_read=True, taken=Taken(2, 0))


def note_of(world: World) -> Checkpoint:
    """Return the checkpoint that was noted."""
    noted: Checkpoint = world.ledger.note_checkpoint.call_args.args[1]
    return noted


def written(world: World) -> list[int]:
    """Return the ordinals that the pipeline hands to the ledger."""
    ordinals: list[int] = []
    world.ledger.write_records.side_effect = lambda _id, records, *_, **__: ordinals.extend(at for at, _ in records)
    return ordinals


def test_records_that_are_left_continue_in_the_next_invocation() -> None:
    world = World()
    world.ledger.write_records.side_effect = [1]
    assert world.process() == ["ledger.look", "ledger.begin", "ledger.write_records", *CONTINUED]
    assert (note_of(world).ordinal, note_of(world).is_read) == (1, True)
    assert world.own_queue.continue_later.call_args.kwargs == {"has_written": True}


@pytest.mark.parametrize(
    ("checkpoint", "first"),
    [
        (written_to(1), 1),
        (written_to(1, epoch=2), 0),
        (written_to(1, epoch=4), 0),
        (written_to(1, "p0"), 0),
        (None, 0),
    ],
    ids=["valid", "before a promotion", "after a promotion", "of another version", "none"],
)
def test_checkpoint_counts_for_its_version_and_epoch_alone(checkpoint: Checkpoint | None, first: int) -> None:
    world = World(known=Known(was_begun=True, checkpoint=checkpoint))
    ordinals = written(world)
    assert world.process()[1:] == ["ledger.begin", "ledger.write_records", "ledger.prune", *CONCLUDED]
    assert ordinals == list(range(first, 2))
    assert world.ledger.begin.call_args.kwargs["forget"] == [schema.CHECKPOINT] * (checkpoint is not None and not first)


def test_result_follows_a_check_of_all_records_of_the_object() -> None:
    world = World(known=Known(was_begun=True, checkpoint=written_to(2)))
    world.ledger.prune.side_effect = [Pruned(held=1)]
    with pytest.raises(ConflictingRecordsError, match="holds 1 of 2 records"):
        world.process()
    assert world.order[2:] == ["ledger.write_records", "ledger.prune", "ledger.forget_checkpoint", "own_queue.hold_back"]


@pytest.mark.parametrize(("seconds", "is_checked"), [(9, False), (10, True)])
def test_first_attempt_that_took_long_is_checked(seconds: int, is_checked: bool) -> None:  # noqa: FBT001 - a parameter
    world = World()
    clock = [1000.0]

    def write(*_: object, **__: object) -> None:
        clock[0] += seconds

    world.ledger.write_records.side_effect = write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("handlers.processor.pipeline.time.time", lambda: clock[0])
        assert ("ledger.prune" in world.process()) is is_checked


def test_check_without_time_continues_after_the_last_record() -> None:
    world = World(known=Known(was_begun=True))
    world.ledger.prune.side_effect = [Pruned(is_whole=False)]
    assert world.process()[2:] == ["ledger.write_records", "ledger.prune", *CONTINUED]
    assert (note_of(world).ordinal, note_of(world).is_read) == (2, True)


@pytest.mark.parametrize(
    ("reached", "pruned"),
    [([1], []), ([None], [Pruned(is_whole=False)])],
    ids=["nothing is written", "nothing is deleted"],
)
def test_whole_invocation_without_progress_is_a_failed_receive(reached: list[int | None], pruned: list[Pruned]) -> None:
    first = 1 if reached[0] else 2
    world = World(known=Known(was_begun=True, checkpoint=written_to(first)))
    world.ledger.write_records.side_effect, world.ledger.prune.side_effect = reached, pruned
    with pytest.raises(OutOfTimeError, match="too little of a whole invocation"):
        world.process()
    assert not world.own_queue.continue_later.called


def test_deletions_are_progress_too() -> None:
    world = World(known=Known(was_begun=True, checkpoint=written_to(2)))
    world.ledger.prune.side_effect = [Pruned(deleted=1, is_whole=False)]
    assert world.process()[3:] == ["ledger.prune", *CONTINUED]


def test_continued_object_that_is_settled_is_verified_again() -> None:
    world = World(known=Known(result=RESULT, is_settled=True))
    assert world.process(message(continued={"StringValue": "1", "DataType": "Number"})) == [
        "ledger.look",
        "ledger.holds",
        "ledger.settle",
    ]


def test_deadline_is_looked_at_between_two_slow_records() -> None:
    world, clock = World(b'{"a":1}\n' * 9), [300.0]

    def slow(record: dict[str, Any]) -> dict[str, Any]:
        clock[0] -= 100
        return record

    world.pipeline = replace(world.pipeline, transform=slow)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("handlers.processor.walk.time.monotonic", lambda: -clock[0])
        assert world.process(deadline=Deadline(lambda: clock[0]))[2:] == CONTINUED
    assert clock == [0.0]
    noted = note_of(world)
    assert (noted.taken.records, noted.is_read, noted.ordinal) == (3, False, 0), "three of the nine records were taken"
    assert noted.place == Place(2, Position(16, 3))


def digest_of(body: bytes) -> str:
    """Return the effect digest of a file."""
    world = World(body)
    world.process()
    return str(world.result.effect_digest)


def test_reading_resumes_at_a_checkpoint_and_writes_in_the_next_run() -> None:
    body = b'{"a":1}\n{"a":2}\n{"a":3}\n'
    held = Checkpoint("p1", 3, "v1", taken=Taken(2, 0, digest_of(body[:16])), place=Place(1, Position(8, 2)))
    world = World(body, known=Known(was_begun=True, checkpoint=held))
    assert world.process()[2:] == CONTINUED
    noted = note_of(world)
    assert (noted.is_read, noted.ordinal, noted.place) == (True, 0, Place())
    assert noted.taken == Taken(3, 0, digest_of(body))
    assert [one.kwargs.get("Range") for one in world.s3.get_object.mock_calls] == [None, "bytes=8-"]


@pytest.mark.parametrize(
    ("body", "taken", "key"),
    [
        (b'[{"a":1},{"a":2}', 1, "incoming/a.json"),
        (GOOD, 2, f"incoming/uploads/billing/01890a5d-ac96-774b-bcce-b302099a8057/{'ab' * 32}/a.ndjson"),
    ],
)
def test_unreadable_end_without_time_is_quarantined_in_the_next_run(body: bytes, taken: int, key: str) -> None:
    left = [60.0]

    def slow(record: dict[str, Any]) -> dict[str, Any]:
        left[0] = 8.0
        return record

    world = World(body)
    world.pipeline = replace(world.pipeline, transform=slow)
    received = message(s3_event(key=key))
    assert world.process(received, deadline=Deadline(lambda: left[0]))[2:] == CONTINUED
    assert (note_of(world).taken.records, note_of(world).is_read) == (taken, False)
    world = World(body, known=Known(was_begun=True, checkpoint=note_of(world)))
    world.process(received)
    assert world.result.state == "QUARANTINED"


def test_checkpoint_of_other_bytes_is_ignored() -> None:
    world = World(known=Known(was_begun=True, checkpoint=replace(written_to(1), version_id="v0")))
    ordinals = written(world)
    world.process()
    assert ordinals == [0, 1]


def test_lost_rejections_of_earlier_invocations_begin_again() -> None:
    world = World(known=Known(was_begun=True, checkpoint=Checkpoint("p1", 3, "v1", taken=Taken(0, 2))))
    world.archive.recall.return_value = iter([b"{}"])
    with pytest.raises(LookupError, match="1 of 2 rejected records are archived"):
        world.process()
    assert world.order[2:] == ["archive.recall", "ledger.forget_checkpoint", "own_queue.hold_back"]


def test_object_without_time_to_begin_is_put_back() -> None:
    left = iter([300.0])
    world = World()
    assert world.process(deadline=Deadline(lambda: next(left, 60.0))) == ["ledger.look", "own_queue.continue_later"]


def test_object_after_one_that_used_the_time_is_put_back_unseen() -> None:
    left = iter([300.0])
    world = World()
    assert world.process(deadline=Deadline(lambda: next(left, 3.0))) == ["own_queue.continue_later"]


def test_object_is_closed_after_success_and_after_errors() -> None:
    for body in (GOOD, UNREADABLE):
        world = World(body)
        world.process()
        assert vars(world.bodies[0])["_raw_stream"].closed  # botocore's own, which is what holds the connection
