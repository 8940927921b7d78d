# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every point of failure of a release that upgrades the database.

Whatever it was, no server gets data that it cannot use, nothing that was written is lost, and the next release
converges.
"""

from __future__ import annotations

import os
import pickle

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.upgrade import interrupted_upgrade
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._release import interrupt
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError

from tests.unit._release.composes import config_of
from tests.unit._release.test_faults import save
from tests.unit._release.volumes import NAME
from tests.unit._release.world import Fault

BOTH = ["shop.0001", "shop.0002"]


def act(stack):
    return stack.deploy("shop:2", db="mysql:9.8", knows=BOTH)


def prepared(stacks, number):
    stack = stacks(number)
    stack.deploy("shop:1")
    stack.render("shop:2", db="mysql:9.8", knows=BOTH)
    stack.world.commands.clear()
    return stack


def commands(stacks):
    """How many commands the release takes where nothing goes wrong."""
    stack = prepared(stacks, -1)
    act(stack)
    assert len(stack.world.commands) > 40
    return len(stack.world.commands)


def holds(stack):
    """What must be so at any moment from which nobody comes back to tidy up."""
    world = stack.world
    assert world.mishaps == []
    servers = [box.image for box in world.own() if box.service == "db" and box.running]
    assert all(world.version().startswith(image.partition(":")[2]) for image in servers), "its files were moved"
    former = [world.version(name) for name in world.volumes]
    assert "9.7.4" in former, "the former data is there"
    if world.version() != "9.7.4" and not interrupted_upgrade(stack.root):
        assert "shop.0001" in world.applied
        assert config_of(stack.root)["db"] == "mysql:9.8"
    running = {box.service for box in world.own() if box.running and box.image == "shop:1"}
    assert not running or "shop.0001" in world.applied, "the former code meets its data"


def converges(stack):
    world = stack.world
    world.fault, world.refused, world.frozen = None, (), False
    act(stack)
    holds(stack)
    assert (world.version(), world.applied) == ("9.8.4", BOTH)
    assert sorted(world.version(name) for name in world.volumes) == ["9.7.4", "9.8.4"]
    assert sorted(stack.running.values()) == ["mysql:9.8", "mysql:9.8", "shop:2", "shop:2", "shop:2"]
    assert stack.present == set(stack.running)
    assert stack.served_by == {"shop:2"}
    assert not interrupted_upgrade(stack.root)


@pytest.mark.parametrize(("kind", "after"), [("refused", False), ("refused", True), ("killed", True)])
def test_an_upgrade_that_meets_a_fault_is_undone_or_stays(stacks, kind, after):
    ends = set()
    for number in range(commands(stacks)):
        stack = prepared(stacks, number)
        world = stack.world
        before = (stack.running, stack.present, stack.served_by)
        world.fault = Fault(number, kind, after)
        said = ""
        try:
            with interrupt.as_exceptions():
                act(stack)
        except (DockerError, ReleaseError, SystemExit) as error:
            said = str(error)
        holds(stack)
        if said and "could not" not in said:
            is_final = "stays upgraded" in said
            ends.add(is_final)
            assert world.version() == ("9.8.4" if is_final else "9.7.4"), said
            assert world.applied == (BOTH if is_final else ["shop.0001"]), said
            # Redis has the same image here.
            images = {name: image.replace("9.8", "9.7") if is_final else image for name, image in stack.running.items()}
            assert (images, stack.present, stack.served_by) == before, said
            assert sorted(world.volumes) == ([NAME, f"{NAME}-9.7"] if is_final else [NAME]), said
        converges(stack)
    assert ends == {True, False}


def test_after_a_power_cut_no_data_is_lost(stacks):
    for number in range(commands(stacks)):
        stack = prepared(stacks, number)
        saved = stack.root.parent / "world"
        world = stack.world
        child = os.fork()
        if child == 0:
            world.fault = Fault(number, "cut", after=True)
            world.cut = lambda: os._exit(save(world, saved, 7))  # noqa: B023 - of this child
            act(stack)
            os._exit(save(world, saved, 0))
        os.waitpid(child, 0)
        stack.world = pickle.loads(saved.read_bytes())
        stack.world.reload()
        holds(stack)
        converges(stack)


@pytest.mark.parametrize("kind", ["refused", "cut"])
def test_a_way_back_that_meets_a_fault_is_gone_to_its_end_by_the_next_release(stacks, kind):
    """The code does not start with the new server; then a command of the way back fails, or is the last one."""
    for number in range(1000):
        stack = prepared(stacks, number)
        world = stack.world
        world.images["shop:2"]["exits"] = True
        start = world.do_start

        def begin(rest, world=world, start=start, number=number):
            world.do_start = start
            world.fault = Fault(len(world.commands) + number, kind, after=True)
            return start(rest)

        world.do_start = begin
        world.cut = lambda world=world: dying(world)
        with pytest.raises((ReleaseError, DyingError)):
            act(stack)
        is_over = world.fault.number >= len(world.commands)
        world.__dict__.pop("execute", None)
        world.__dict__.pop("do_start", None)
        world.fault = None
        world.images["shop:2"].pop("exits")
        holds(stack)
        converges(stack)
        if is_over:
            assert number > 5
            return


def test_after_a_power_cut_there_are_never_two_beats(stacks):
    stack = prepared(stacks, 0)
    world, start = stack.world, stack.world.do_start

    def begin(rest):
        start(rest)
        if "shop-celery-beat-2" in rest:
            dying(world)
        return ""

    world.do_start = begin
    with pytest.raises(DyingError):
        act(stack)
    for name in ("execute", "do_start"):
        world.__dict__.pop(name)
    assert "shop-celery-beat-2" in stack.running
    world.commands.clear()
    with pytest.raises(ReleaseError):
        stack.deploy("shop:3", db="mysql:9.8", unfit=True)
    restarted = [said for said in world.commands if said.startswith("restart")]
    assert "shop-celery-1" in restarted[0]
    assert "shop-celery-beat-1" not in restarted[0]
    assert world.version() == "9.8.4"
    converges(stack)


class DyingError(BaseException):
    """Nothing that the process does has an effect any more."""


def dying(world):
    def execute(*_given):
        raise DyingError

    world.execute = execute
    raise DyingError
