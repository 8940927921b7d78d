# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every point of failure of a release: each of its commands is refused, is too slow, or is the last before a kill or a
power cut, before and after it took effect.

Whatever it was, what visitors meet is alive, what is in force is what serves, dumps stay, and the next release
converges.
"""

from __future__ import annotations

import os
import pickle

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._release import interrupt
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError

from tests.unit._release.conftest import ROUTED
from tests.unit._release.world import Fault

# A first release, one with a migration, one with another database's image, more containers, a process with a route, and
# the way back.
STEPS = {
    "first": [],
    "migration": ["shop:1"],
    "services": ["shop:1"],
    "replicas": ["shop:1"],
    "route": ["shop:1"],
    "back": ["shop:1", "shop:2"],
}


def act(stack, step):
    if step == "back":
        return stack.roll_back(1)
    if step == "first":
        return stack.deploy("shop:1")
    if step == "services":
        return stack.deploy("shop:2", db="mysql:9.7.1")
    if step == "replicas":
        return stack.deploy("shop:1", options={"replicas": 3})
    if step == "route":
        return stack.deploy("shop:2", **ROUTED)
    return stack.deploy("shop:2", knows=["shop.0001", "shop.0002"])


def prepare(stack, step):
    for image in STEPS[step]:
        stack.deploy(image, **(ROUTED if step == "route" else {}))
    stack.render("shop:2" if step in ("migration", "services") else "shop:1")
    stack.world.commands.clear()


def outcome(stack, step):
    """What a step says where it fails."""
    try:
        with interrupt.as_exceptions():
            act(stack, step)
    except (DockerError, ReleaseError, SystemExit) as error:
        return str(error)
    return ""


def commands_of(stacks, step):
    """How many commands the step takes where nothing goes wrong."""
    stack = stacks(-1)
    prepare(stack, step)
    act(stack, step)
    count = len(stack.world.commands)
    assert count > 20
    return count


def dumps(stack):
    return {path: path.read_bytes() for path in stack.ledger.root.glob("*/dump.sql.gz")}


def holds(stack, serving_before, image_before):
    """What must be so at any moment from which nobody comes back to tidy up."""
    assert stack.named <= stack.present, "Nginx may name a container that is not there"
    # At the switch, one follows the other; before and after they agree.
    if stack.states()[-1:] != ["switching"]:
        serving = stack.serving()
        image = stack.ledger.read()[serving - 1].image if serving else ""
        assert stack.in_force == image
    if image_before and stack.serving() == serving_before:
        assert stack.served_by
        assert "nobody" not in stack.served_by
    applied = stack.world.applied
    if "shop.0002" in applied:
        assert dumps(stack), "migrated without a dump"


def converges(stack, step):
    kept = dumps(stack)
    stack.world.fault, stack.world.refused, stack.world.frozen = None, (), False
    act(stack, step)
    image = {"back": "shop:1", "first": "shop:1", "replicas": "shop:1"}.get(step, "shop:2")
    count = 3 if step == "replicas" else 1
    assert stack.served_by == {image}
    assert stack.in_force == image
    assert stack.ledger.read()[-1].is_over
    assert sorted(name.rpartition("-")[0] for name in stack.running) == sorted(
        ["shop-db", "shop-redis", *["shop-web"] * count, "shop-celery", "shop-celery-beat"]
        + ["shop-flower"] * (step == "route")
    )
    assert stack.present == set(stack.running), "nothing is left over"
    assert kept.items() <= dumps(stack).items()


# What is killed before a command is what is killed after the one before it.
FAULTS = [
    *((step, "refused", False) for step in STEPS),
    *((step, "refused", True) for step in ("first", "migration", "route", "back")),
    *((step, "slow", True) for step in ("migration",)),
    *((step, "killed", True) for step in ("first", "migration", "services", "route")),
]


@pytest.mark.parametrize(("step", "kind", "after"), FAULTS)
def test_a_release_that_meets_a_fault_is_undone_or_serves(stacks, step, kind, after):
    for number in range(commands_of(stacks, step)):
        stack = stacks(number)
        prepare(stack, step)
        before = (stack.running, stack.present, stack.in_force, stack.served_by, stack.serving())
        stack.world.fault = Fault(number, kind, after)
        said = outcome(stack, step)
        if said:
            assert (stack.serving(), stack.in_force) == (before[4], before[2]), said
            assert stack.states()[-1:] in ([], ["failed"], ["serving"])
        if said and "could not" not in said:
            assert (stack.running, stack.present, stack.in_force, stack.served_by, stack.serving()) == before, said
        holds(stack, before[4], before[2])
        converges(stack, step)


@pytest.mark.parametrize("step", ["first", "migration", "route", "back"])
def test_after_a_power_cut_nothing_is_half(stacks, step):
    for number in range(commands_of(stacks, step)):
        stack = stacks(number)
        prepare(stack, step)
        serving, image = stack.serving(), stack.in_force
        assert dies(stack, step, Fault(number, "cut", after=True))
        # Nginx reads its files when it starts again.
        stack.world.reload()
        holds(stack, serving, image)
        converges(stack, step)


def dies(stack, step, fault):
    """Run a step in a process that ends at once where the fault strikes; whether it did."""
    saved = stack.root.parent / "world"
    world = stack.world
    child = os.fork()
    if child == 0:
        world.fault = fault
        world.cut = lambda: os._exit(save(world, saved, 7))
        act(stack, step)
        os._exit(save(world, saved, 0))
    _, status = os.waitpid(child, 0)
    stack.world = pickle.loads(saved.read_bytes())
    return os.waitstatus_to_exitcode(status) == 7


def save(world, file, code):
    world.fault, world.cut = None, None
    file.write_bytes(pickle.dumps(world))
    return code
