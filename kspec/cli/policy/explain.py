"""`kspec policy explain`: why a pod cannot be placed, or where it goes."""

from __future__ import annotations

from pathlib import Path

import click

from kspec.cli.check_options import capacity
from kspec.cli.output import check_json, emit, json_option, write_json
from kspec.errors import EXIT_HOLDS, EXIT_UNFINISHED


@click.command("explain")
@click.argument("pod", metavar="POD")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option(
    "--world",
    "worlds",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A world or manifests, as FILE.",
)
@click.option("--policy", metavar="NAME", help="The policy.  [default: the world's]")
@click.option(
    "--nodes", type=click.IntRange(1), metavar="N", help="Nodes where the files have none."
)
@click.option(
    "--node-capacity",
    callback=capacity,
    metavar="RESOURCES",
    help="What each of them offers: cpu=4,memory=8Gi,pods=110.",
)
@click.option("--state", is_flag=True, help="The files are a dump to start from, as it stands.")
@click.option(
    "--ignore-unmodelled", is_flag=True, help="Leave out kinds that are not modelled yet."
)
@json_option
def command(
    pod: str,
    files: tuple[Path, ...],
    worlds: tuple[Path, ...],
    policy: str | None,
    nodes: int | None,
    node_capacity: dict[str, str] | None,
    state: bool,
    ignore_unmodelled: bool,
    json_file: str | None,
) -> int:
    """Say why POD (NAMESPACE/NAME or NAME) cannot be placed, or where it goes.

    The pods that wait are placed in the order of the queue first. If POD is not among those that
    were placed, the answer is a smallest set of constraints (node and constraint) that together
    keep it from every node, and what single change would do.

    Exit status: 0 answered, 2 no such pod or a world that cannot be used, 3 the solver gave up.

    \b
    Examples:
      kspec policy explain web-7 cluster.yaml --state
      kspec policy explain default/train --world world.yaml --policy mypolicies:Greedy --json -
    """
    from kspec import suite as suites
    from kspec.suite import Settings

    check_json(json_file)
    settings = Settings(
        nodes=nodes,
        node_capacity=node_capacity,
        policy=policy,
        state=state,
        ignore_unmodelled=ignore_unmodelled,
    )
    answer = suites.load_suite().explain_pod(pod, (*files, *worlds), settings)
    emit("".join(f"{line}\n" for line in answer.lines()), json_file)
    write_json(answer.to_json(), json_file)
    return EXIT_UNFINISHED if answer.is_unknown else EXIT_HOLDS
