"""Sabotages that a drill must convict: changes of the deployed code, of the operator's commands, the client and the drill.

UpdateFunctionCode changes the functions' code, so that one deployment serves all sabotages.
"""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from unittest import mock

from botocore.exceptions import BotoCoreError

from client.platform import Platform
from drill import sampler, sampling
from operations.deployment import Deployment
from operations.errors import RunFailure
from operations.register import Promotion, Register

_MOST_TRIES: Final = 5
# Consumed without effect: on a busy machine messages wait.
_UNPROCESSED: Final = "objects that [a-z0-9-]+ holds, which is active, are not settled there, and 0 messages wait"
_WRONG: Final = "objects (lost|duplicated|divergent)"
_NOT_DURABLE: Final = "durable objects are not in "
_FUNCTIONS: Final = ("ProcessorFunctionName", "IssuerFunctionName")


@dataclass(frozen=True)
class Patch:
    """A method of this process to replace.

    Attributes:
        owner: The class.
        name: The method.
        replacement: Returns the new method from the original one.
    """

    owner: type
    name: str
    replacement: Callable[[Any], Any]

    def applied(self) -> AbstractContextManager[object]:
        """Replace the method for the block."""
        return mock.patch.object(self.owner, self.name, self.replacement(getattr(self.owner, self.name)))


def _zeros(original: Any) -> Any:  # noqa: ANN401 - a method
    return lambda self, before: sampling.zeros(original(self, before))


def _claim_nothing(_: Any) -> Any:  # noqa: ANN401 - a method
    def report(register: Register, at_least: int) -> Promotion:
        held = register.standing()
        return replace(held, epoch=max(held.epoch + 1, at_least), already=False)

    return report


def _always_durable(original: Any) -> Any:  # noqa: ANN401 - a method
    def known(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - likewise
        found = original(*given, **named)
        return replace(found, durable=True) if found.state is not None else found

    return known


@dataclass(frozen=True)
class Sabotage:
    """A sabotage.

    Attributes:
        name: A sentence that states the fault.
        expected: Regular expression of a reason that convicts it. A drill that fails for another reason, of a busy machine
            for example, does not.
        changes: By file of the functions' code, pairs of a text and its replacement.
        appended: The code to append, by file.
        here: A patch of this process instead: of the drill, the operator's commands or the client.
    """

    name: str
    expected: str
    changes: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    appended: Mapping[str, str] = field(default_factory=dict)
    here: Patch | None = None


_PIPELINE, _STORE = "handlers/processor/pipeline.py", "handlers/processor/store.py"
_MESSAGES, _STATES = "handlers/processor/messages.py", "handlers/issuer/states.py"
_IDENTITY: Final = "return object_keys.object_identity(self.source, self.key, self.version_id)"
_OTHER_IDENTITY: Final = (
    "return self.upload.object_id if self.upload else "
    'object_keys.digest("object", self.source, self.key, self.version_id, {})'
)
_RESULT_FIRST: Final = """
_write, _conclude = Ledger.write_records, Ledger.conclude


def _keep_back(self, object_id, prepared, *given, **named):
    vars(self)["kept_back"] = (object_id, list(prepared), given, named)


def _conclude_first(self, *given, **named):
    is_first = _conclude(self, *given, **named)
    if kept := vars(self).pop("kept_back", None):
        object_id, prepared, others, others_named = kept
        _write(self, object_id, prepared, *others, **others_named)
    return is_first


Ledger.write_records, Ledger.conclude = _keep_back, _conclude_first
"""

ALL: Final = (
    Sabotage(
        "the shadow acknowledges everything",
        _UNPROCESSED,
        {_PIPELINE: (("self._put_back(event, message, known)\n", "pass\n"),)},
    ),
    Sabotage(
        "the shadow acknowledges on RESULT alone",
        f"{_UNPROCESSED}|{_WRONG}",
        {
            _PIPELINE: (
                (
                    "        if known.result is None:\n            return False\n",
                    "        return known.result is not None\n",
                ),
            )
        },
    ),
    Sabotage(
        "`durable` when only accepted",
        _NOT_DURABLE,
        {
            _STATES: (
                ("copies), copies is Copies.BOTH", "copies), copies is not Copies.NONE_HERE"),
                ("is_durable = settled == set(self._regions) and self._is_in_both_buckets(key)", "is_durable = True"),
            )
        },
    ),
    Sabotage(
        "rejections are not archived in one region",
        "in archive ",
        {_PIPELINE: (("if known.result.has_archive and known.result.region != self.settings.region:", "if False:"),)},
    ),
    Sabotage(
        "receipts of a wrong key",
        "in receipts: no valid key",
        {"handlers/shared/receipts.py": (("jwt.encode(claims, key.key,", 'jwt.encode(claims, "wrong-key-" * 5,'),)},
    ),
    Sabotage("a sampler of zeros", "the samples show ", here=Patch(sampler.Sampler, "_round", _zeros)),
    Sabotage(
        "a direct put's identity holds the bucket",
        _UNPROCESSED,
        {_MESSAGES: ((_IDENTITY, _OTHER_IDENTITY.format("self.bucket")),)},
    ),
    Sabotage(
        "a direct put's identity holds the ETag",
        _UNPROCESSED,
        {_MESSAGES: ((_IDENTITY, _OTHER_IDENTITY.format('self.record["s3"]["object"].get("eTag", "")')),)},
    ),
    Sabotage("RESULT is written first", f"records and was written in|{_UNPROCESSED}", appended={_STORE: _RESULT_FIRST}),
    Sabotage(
        "the last record of a file is dropped",
        _WRONG,
        {_PIPELINE: (("walk = Walk(content.records, ", "walk = Walk([*content.records][:-1], "),)},
    ),
    Sabotage(
        "promote claims nothing and reports success",
        "reported epoch [0-9]+, and the table there holds",
        here=Patch(Register, "_try", _claim_nothing),
    ),
    Sabotage("the client notes every upload as durable", _NOT_DURABLE, here=Patch(Platform, "state", _always_durable)),
    Sabotage(
        "the last record of a file in parts is dropped",
        _WRONG,
        {
            _PIPELINE: (
                (
                    "walk = Walk(content.records, ",
                    "walk = Walk([*content.records][: -(opened.facts.size > 5 << 20) or None], ",
                ),
            )
        },
    ),
)


class Code:
    """The functions' code; deploys a changed copy of it."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        folders = [one for one in Path(deployment.target.templates or "").glob("asset.*") if (one / _PIPELINE).exists()]
        if not folders:
            raise RunFailure(f"{deployment.target.templates} holds no code of the functions, so it cannot be sabotaged.")
        self._files = {
            str(one.relative_to(folders[0])): one.read_bytes() for one in sorted(folders[0].rglob("*")) if one.is_file()
        }
        self._original = _zipped(self._files)

    @contextmanager
    def sabotaged(self, sabotage: Sabotage) -> Iterator[None]:
        """Deploy the changed code in both regions for the block, or patch this process.

        Raises:
            RunFailure: The code does not contain a text to replace, because the product has changed.
        """
        if sabotage.here:
            with sabotage.here.applied():
                yield
            return
        changed = self._changed(sabotage)
        if changed:
            self._deploy(_zipped(self._files | changed))
        try:
            yield
        finally:
            if changed:
                self._deploy(self._original)

    def _changed(self, sabotage: Sabotage) -> dict[str, bytes]:
        changed: dict[str, str] = {}
        for file, pairs in sabotage.changes.items():
            text = self._files[file].decode()
            for old, new in pairs:
                if old not in text:
                    raise RunFailure(f"The sabotage {sabotage.name!r} does not fit {file}: it has no text {old!r}.")
                text = text.replace(old, new)
            changed[file] = text
        for file, code in sabotage.appended.items():
            changed[file] = changed.get(file, self._files[file].decode()) + code
        return {file: text.encode() for file, text in changed.items()}

    def _deploy(self, content: bytes) -> None:
        for region in self._deployment.target.regions:
            for output in _FUNCTIONS:
                self._update(region, self._deployment.regional[region][output], content)

    def _update(self, region: str, name: str, content: bytes) -> None:
        """Deploy the code of a function; on a busy machine the cloud takes megabytes late, so it is tried again."""
        for tries in itertools.count(1):
            try:
                self._deployment.client("lambda", region).update_function_code(FunctionName=name, ZipFile=content)
            except BotoCoreError as error:
                if tries == _MOST_TRIES:
                    raise RunFailure(f"The code of {name} in {region} could not be changed: {error}") from error
            else:
                return


def _zipped(files: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()
