"""`python -m benchmarks COMMAND`: measure beside a peer, write reports/benchmarks; without a command it lists them."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import cold_start, http_servers, long_file, processor_speed
from benchmarks import gate_speed as gate_benchmark
from benchmarks import proof as proof_benchmark
from benchmarks.timing import BenchmarkError
from lockstep.cost import cost

_Result = TypeVar(
    "_Result",
    gate_benchmark.Result,
    proof_benchmark.Result,
    processor_speed.Result,
    long_file.Result,
    cold_start.Result,
    http_servers.Result,
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def main() -> None:
    """Measure the project beside what one would use without it, in the same run, as ratios."""


@app.command()
def gate(
    rounds: Annotated[int, typer.Option(min=1, help="How often each is timed; the median counts.")] = 3,
    output: Annotated[Path, typer.Option(help="Where to write the result.")] = Path("reports/benchmarks/gate.json"),
) -> None:
    """Measure the gate beside `cdk synth` with the same packs, cfn-lint and checkov; and over more and more templates."""
    result = _measured("gate", lambda say: gate_benchmark.measure(rounds, say=say), output)
    _show(result, rounds, output)


@app.command()
def proof(
    objects: Annotated[int, typer.Option(min=10, help="Uploads; each has ten rows in the two replicas.")] = 100_000,
    output: Annotated[Path, typer.Option(help="Where to write the result.")] = Path("reports/benchmarks/proof.json"),
) -> None:
    """Measure the drill's proof beside a comparison of five sets of ids, over a million rows."""
    result = _measured("proof", lambda say: proof_benchmark.measure(objects, say=say), output)
    _show_proof(result, output)


@app.command()
def processor(
    records: Annotated[str, typer.Option(help="Sizes of the files, in records.")] = "1000,10000,100000,1000000",
    formats: Annotated[str, typer.Option(help="Formats of the files.")] = ",".join(processor_speed.FORMATS),
    latencies: Annotated[str, typer.Option(help="Latencies of DynamoDB, in milliseconds.")] = "0,4,15",
    rounds: Annotated[int, typer.Option(min=1, help="How often each is timed; the median counts.")] = 3,
    output: Annotated[Path, typer.Option(help="Where to write the result; .md and .svg are beside it.")] = Path(
        "reports/benchmarks/processor.json"
    ),
) -> None:
    """Measure the processor beside batch_writer and Powertools; `--records 10000 --latencies 4 --rounds 1` is fast."""
    result = _measured(
        "processor",
        lambda say: processor_speed.measure(
            sizes=[int(one) for one in records.split(",")],
            formats=formats.split(","),
            latencies_ms=[float(one) for one in latencies.split(",")],
            rounds=rounds,
            say=say,
        ),
        output,
    )
    output.with_suffix(".md").write_text(processor_speed.as_markdown(result), "utf-8")
    output.with_suffix(".svg").write_text(processor_speed.as_svg(result), "utf-8")
    Console(soft_wrap=True, emoji=False).print(processor_speed.as_markdown(result), f"Report: {output}", markup=False)


@app.command("long-file")
def long_file_command(  # noqa: PLR0913, PLR0917 - options of a command
    records: Annotated[int, typer.Option(min=1, help="NDJSON records.")] = 2_000_000,
    record_bytes: Annotated[int, typer.Option(min=200, help="Size of a record; over 200, it has a random note.")] = 200,
    seconds: Annotated[float, typer.Option(min=20, help="Time of an invocation.")] = 60.0,
    latency: Annotated[float, typer.Option(min=0, help="Latency of DynamoDB, in milliseconds.")] = 4.0,
    kill: Annotated[
        list[str] | None, typer.Option(metavar="NUMBER:SECONDS", help="Kill this invocation after so many seconds.")
    ] = None,
    failover: Annotated[
        int | None, typer.Option(min=1, help="Lose the region after this invocation and a first record, or after RESULT.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Which half of the items the other region then holds.")] = 0,
    output: Annotated[Path, typer.Option(help="Where to write the result; the file is beside it.")] = Path(
        "reports/benchmarks/long-file.json"
    ),
) -> None:
    """Process a file that takes several invocations, kill some, fail over, and compare every item with the file."""
    output.parent.mkdir(parents=True, exist_ok=True)
    kills = {int(number): float(after) for number, _, after in (one.partition(":") for one in kill or [])}
    result = _measured(
        "long-file",
        lambda say: long_file.measure(
            records=records,
            record_bytes=record_bytes,
            function_seconds=seconds,
            latency_ms=latency,
            kill=kills,
            failover=failover,
            seed=seed,
            output=output.parent,
            say=say,
        ),
        output,
    )
    Console(soft_wrap=True, emoji=False).print_json(data=result.as_dict())


@app.command("cold-start")
def cold_start_command(
    rounds: Annotated[int, typer.Option(min=1, help="How often each is started; the median counts.")] = 5,
    output: Annotated[Path, typer.Option(help="Where to write the result.")] = Path("reports/benchmarks/cold-start.json"),
) -> None:
    """Measure a cold start's imports and clients beside a handler with Powertools and pydantic; and the asset's size."""
    result = _measured("cold-start", lambda say: cold_start.measure(rounds, say=say), output)
    Console(soft_wrap=True, emoji=False).print_json(data=result.as_dict())


@app.command()
def server(
    requests: Annotated[int, typer.Option(min=4, help="Requests of a round.")] = 20_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is timed; the median counts.")] = 3,
    output: Annotated[Path, typer.Option(help="Where to write the result.")] = Path("reports/benchmarks/server.json"),
) -> None:
    """Measure the local cloud's HTTP server, uvicorn, beside hypercorn."""
    result = _measured("server", lambda say: http_servers.measure(requests, rounds, say=say), output)
    Console(soft_wrap=True, emoji=False).print_json(data=result.as_dict())


app.command("cost")(cost)


def _measured(name: str, measure: Callable[[Callable[[str], None]], _Result], output: Path) -> _Result:
    """Measure with progress shown, write the result, and return it; what cannot be measured ends in words and status 2."""
    errors = Console(stderr=True, emoji=False)
    try:
        with errors.status(name) as progress:
            result = measure(progress.update)
    except BenchmarkError as error:
        errors.print(f"ERROR: {error}", style="bold red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result.as_dict(), indent=1) + "\n", "utf-8")
    return result


def _show_proof(result: proof_benchmark.Result, file: Path) -> None:
    console = Console(soft_wrap=True, emoji=False)
    table = Table(title=f"{result.objects:,} objects, {result.rows:,} rows")
    for column in ("step", "seconds", "of the processor", "peak MiB"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for line in result.lines():
        table.add_row(*line)
    console.print(table)
    held = result.as_dict()
    console.print(
        f"{held['rows_per_second']:,} rows a second; the target, {held['target_seconds']} s, is met: {result.is_in_time}"
    )
    console.print(f"the proof takes {held['proof_over_sets_cpu_seconds']} of the processor's time of five sets of ids,")
    console.print(f"and {held['proof_over_sets_memory']} of their memory; not in it: {held['not_in_it']}")
    console.print(f"Report: {file}")
    if not result.is_in_time:
        raise typer.Exit(1)


def _show(result: gate_benchmark.Result, rounds: int, file: Path) -> None:
    console = Console(soft_wrap=True, emoji=False)
    table = Table(title=f"Median of {rounds} runs, seconds")
    for column in ("step", "seconds"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for name, taken in result.seconds.items():
        table.add_row(name, f"{taken:.2f}")
    for row in result.scale:
        table.add_row(f"gate, {row['copies']} x {row['resources'] // row['copies']} resources", f"{row['seconds']:.2f}")
    console.print(table)
    console.print(f"the gate takes {result.ratio} of the time of the plain way (cdk synth + cfn-lint + checkov)")
    console.print(f"milliseconds for each further resource, 1 to 4 and 4 to 16 times: {result.marginal}")
    console.print(f"Report: {file}")


if __name__ == "__main__":
    sys.exit(app(prog_name="python -m benchmarks"))
