"""Lay out the coverage map: the regions, their stacks, a tile for each resource, and arrows between stacks.

A tile has the colour of the worst verdict on its resource. This module computes positions; page.html draws.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from compliance.engine.findings import COLUMNS, Finding, Findings, Subject, Verdict

TILE: Final = 12
_STEP: Final = TILE + 3
_PER_ROW: Final = 24
_PAD: Final = 12
_HEADER: Final = 42
_GAP: Final = 26
_GUTTER: Final = 70
_TOP: Final = 34
_WIDTH: Final = _PER_ROW * _STEP - 3 + 2 * _PAD
_WORST: Final = {verdict: rank for rank, verdict in enumerate(COLUMNS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A resource: its position, label and verdict."""

    x: int
    y: int
    path: str
    label: str
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A stack: its position, size and tiles."""

    x: int
    y: int
    height: int
    name: str
    caption: str
    tiles: tuple[Tile, ...]
    width: int = _WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """The map of one configuration. Lengths are in SVG's user units.

    Attributes:
        configuration: Its name.
        width: Width of the map.
        height: Height of the map.
        regions: The name of each region with the left edge of its column.
        boxes: The stacks.
        edges: SVG path data, from the stack that gives a value to the stack that takes it.
        summary: The map in words.
    """

    configuration: str
    width: int
    height: int
    regions: tuple[tuple[str, int], ...]
    boxes: tuple[Box, ...]
    edges: tuple[str, ...]
    summary: str


def maps(ledger: Findings) -> list[Map]:
    """Return a map for each configuration that has templates."""
    resources = _resources(ledger)
    by_configuration: dict[str, list[Subject]] = defaultdict(list)
    for subject in ledger.subjects:
        by_configuration[subject.configuration].append(subject)
    covering = {rule for rule, info in ledger.rules.items() if info.covers}
    return [_map(name, subjects, resources, covering) for name, subjects in by_configuration.items()]


_Key = tuple[str, str]
"""A configuration and a stack in it."""
_Resources = Mapping[_Key, Mapping[str, list[Finding]]]
"""The rows on each resource of each stack, by construct path; none where no rule applies."""


def _resources(ledger: Findings) -> _Resources:
    found: dict[_Key, dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for row in ledger.findings:
        if row.logical_id:
            found[row.configuration, row.stack][row.path].append(row)
    # Thousands of lists share the same objects.
    for place in {id(place): place for places in ledger.silent.values() for place in places}.values():
        if place.logical_id:
            found[place.configuration, place.stack].setdefault(place.path, [])
    return found


def _map(configuration: str, subjects: list[Subject], resources: _Resources, covering: set[str]) -> Map:
    regions = sorted({subject.region for subject in subjects})
    columns = {region: _GUTTER + number * (_WIDTH + _GUTTER) for number, region in enumerate(regions)}
    below = dict.fromkeys(regions, _TOP)
    boxes: dict[Subject, Box] = {}
    for subject in _givers_first(subjects):
        rows = resources.get((configuration, subject.name), {})
        box = _box(subject, rows, covering, (columns[subject.region], below[subject.region]))
        below[subject.region] += box.height + _GAP
        boxes[subject] = box
    total = sum(len(box.tiles) for box in boxes.values())
    looked_at = sum(tile.verdict is not Verdict.NOT_APPLICABLE for box in boxes.values() for tile in box.tiles)
    return Map(
        configuration=configuration,
        width=_GUTTER + len(regions) * (_WIDTH + _GUTTER),
        height=max(below.values(), default=_TOP),
        regions=tuple((region or "no region", columns[region]) for region in regions),
        boxes=tuple(boxes.values()),
        edges=tuple(_edge(boxes[giver], boxes[taker]) for giver, taker in _edges(subjects)),
        summary=(
            f"{total} resources in {len(boxes)} stacks and {len(regions)} regions; "
            f"a rule for its type answered about {looked_at} of them."
        ),
    )


def _box(subject: Subject, rows: Mapping[str, list[Finding]], covering: set[str], corner: tuple[int, int]) -> Box:
    x, y = corner
    ordered = sorted(rows.items(), key=lambda item: (item[1][0].resource_type if item[1] else "", item[0]))
    tiles = tuple(
        Tile(
            x=x + _PAD + number % _PER_ROW * _STEP,
            y=y + _HEADER + number // _PER_ROW * _STEP,
            path=path,
            label=_label(path, found),
            verdict=_worst(found, covering),
        )
        for number, (path, found) in enumerate(ordered)
    )
    lines = max(1, -(-len(tiles) // _PER_ROW))
    caption = " · ".join(filter(None, (subject.stack_name, f"{subject.resources} resources")))
    return Box(x=x, y=y, height=_HEADER + lines * _STEP + _PAD - 3, name=subject.name, caption=caption, tiles=tiles)


def _worst(rows: list[Finding], covering: set[str]) -> Verdict:
    """Return the worst verdict on a resource. A pass by a rule for any type does not cover a resource."""
    worst = min((row.verdict for row in rows), key=_WORST.__getitem__, default=Verdict.NOT_APPLICABLE)
    covered = worst is not Verdict.PASS or any(row.rule in covering for row in rows)
    return worst if covered else Verdict.NOT_APPLICABLE


def _label(path: str, rows: list[Finding]) -> str:
    if not rows:
        return f"{path}: no rule looked at it"
    counted = {verdict: sum(row.verdict is verdict for row in rows) for verdict in COLUMNS}
    counts = ", ".join(f"{count} {verdict.replace('_', ' ').lower()}" for verdict, count in counted.items() if count)
    return f"{rows[0].resource_type} {path}: {counts}"


def _givers_first(subjects: list[Subject]) -> list[Subject]:
    """Sort the stacks so that a stack stands above those that use its values; circles keep their order."""
    takes: dict[Subject, set[Subject]] = defaultdict(set)
    for giver, taker in _edges(subjects):
        takes[taker].add(giver)
    ordered: list[Subject] = []
    waiting = sorted(subjects, key=lambda subject: subject.name)
    while waiting:
        free = next((subject for subject in waiting if takes[subject] <= set(ordered)), waiting[0])
        waiting.remove(free)
        ordered.append(free)
    return ordered


def _edges(subjects: list[Subject]) -> list[tuple[Subject, Subject]]:
    """Return the pairs of stacks in which the first gives a value to the second, by export or stack output."""
    by_name = {(subject.stack_name, subject.region): subject for subject in subjects}
    found: dict[tuple[Subject, Subject], None] = {}
    for taker in subjects:
        for stack_name, region in _taken(_parsed(taker.text)):
            giver = by_name.get((stack_name, region or taker.region))
            if giver is not None and giver is not taker:
                found[giver, taker] = None
    return list(found)


def _parsed(text: str) -> Any:  # noqa: ANN401 - JSON
    """Return the template if it is JSON; a map without the edges of a YAML template is incomplete but correct."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _taken(value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    """Return the (stack name, region) of each value that a template takes from another; empty for its own region."""
    if isinstance(value, dict):
        imported, output = value.get("Fn::ImportValue"), value.get("Fn::GetStackOutput")
        if isinstance(imported, str) and ":" in imported:
            yield imported.partition(":")[0], ""
        if isinstance(output, dict) and isinstance(output.get("StackName"), str):
            region = output.get("Region")
            yield output["StackName"], region if isinstance(region, str) else ""
        for child in value.values():
            yield from _taken(child)
    elif isinstance(value, list):
        for child in value:
            yield from _taken(child)


def _edge(giver: Box, taker: Box) -> str:
    """Return the curve between two stacks: along the gutter in one column, straight across between columns."""
    from_y, to_y = giver.y + giver.height // 2, taker.y + taker.height // 2
    if giver.x == taker.x:
        x, bend = giver.x, giver.x - _GUTTER * 2 // 3
        return f"M{x},{from_y} C{bend},{from_y} {bend},{to_y} {x - 5},{to_y}"
    rightwards = giver.x < taker.x
    start, end = (giver.x + giver.width, taker.x - 5) if rightwards else (giver.x, taker.x + taker.width + 5)
    middle = (start + end) // 2
    return f"M{start},{from_y} C{middle},{from_y} {middle},{to_y} {end},{to_y}"
