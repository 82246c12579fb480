"""Isolate every unit test from sockets and signal handlers, and provide prod's templates, synthesized once."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import pytest
import pytest_socket

from unit_tests.fixtures import use_fixture_settings, use_fixture_transform

if TYPE_CHECKING:
    from unit_tests.infra.synthesis import Synthesis, Template

use_fixture_settings()
use_fixture_transform()

_LONGEST: Final = (
    "fork.test_fork",
    "compliance.test_command_line",
    "simulation.test_simulation",
    "infra.test_any_settings",
    "drill.proof.test_proving",
    "compliance.controls.test_bridge",
    "compliance.test_admit",
    "compliance.test_our_app",
)
"""The slowest modules by processor time. They begin first, so that no worker runs one alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the slowest modules first."""
    order = [f"{__package__}.{name}" for name in _LONGEST]
    items.sort(key=lambda item: order.index(name) if (name := _module(item)) in order else len(order))


def _module(item: pytest.Item) -> str:
    return item.module.__name__ if isinstance(item, pytest.Function) else ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Refuse sockets while a test of this directory and its fixtures run; the CDK uses pipes to Node.js.

    Signal handlers that a tested command has set are removed after each test.
    """
    pytest_socket.disable_socket()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return (yield)
    finally:
        pytest_socket.enable_socket()
        for number, handler in handlers.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)


@pytest.fixture(scope="session")
def prod() -> Synthesis:
    """Return the synthesis of prod with the built-in defaults."""
    return _synthesis("prod")


@pytest.fixture(scope="session")
def dev() -> Synthesis:
    """Return the synthesis of an environment other than prod."""
    return _synthesis("dev")


@pytest.fixture(scope="session")
def templates(prod: Synthesis) -> Mapping[str, Template]:
    """Prod's templates by the stack's construct id; shared, so a test that changes one takes a copy."""
    return prod.templates


def _synthesis(environment: str) -> Synthesis:
    # The tests of handlers and rules need no CDK, and are not made to wait for it.
    from infra.settings import Settings  # noqa: PLC0415
    from unit_tests.infra.synthesis import synthesized  # noqa: PLC0415

    return synthesized(Settings(environment=environment))
