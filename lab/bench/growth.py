"""How times and memory grow with the containers of a stack and with the stacks of a host."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lab.bench import files, measure, report
from lab.bench.collection import Collection, memory
from lab.bench.files import HOSTS
from lab.shell import LabError

# (stacks on the host, containers of the one that is measured), in the order in which one comes out of the other.
COURSE = ((1, 1), (1, 2), (1, 4), (4, 1), (8, 1))


def measured() -> measure.Figures:
    """The figures of one host that more and more comes to."""
    from lab.__main__ import up  # here, since it imports this package for its parser

    figures = measure.Figures()
    host, _ = HOSTS["collection"]
    files.write_growth()
    up(files.GROWTH_INVENTORY, [host])
    there = 0
    with tempfile.TemporaryDirectory(prefix="bench-") as connections:
        collection = Collection(figures, files.GROWTH_INVENTORY, host, Path(connections))
        for edition, (stacks, replicas) in enumerate(COURSE):
            who = report.size(stacks, replicas)
            while there < stacks:
                there += 1
                collection.play("first" if there == 1 else report.ONE_MORE, who, "site", variables(host, there, 1))
            one = variables(host, 1, replicas)
            if edition:
                collection.play("change of replicas", who, "deploy", one)
            for playbook, what in report.UNCHANGED.items():
                if measure.recap(collection.play(what, who, playbook, one))["changed"]:
                    raise LabError(f"The run with nothing to do changed something: see {measure.LOGS}.")
            files.edit_growth(edition)
            collection.play(report.RELEASE, who, "deploy", one)
            figures.memory["all", who] = sum(memory(host).values())
    return figures


def variables(host: str, number: int, replicas: int) -> dict[str, object]:
    """What one of the stacks differs in."""
    name = f"s{number}"
    return {"stack_name": name, "stack_domains": [f"{name}.{host}.test"], "stack_web_replicas": replicas}
