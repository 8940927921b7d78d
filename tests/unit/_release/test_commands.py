# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The project's own commands in a release."""

from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError

COMMANDS = {
    "before_migrate": ("freeze --all",),
    "after_migrate": ("python3 manage.py createcachetable", "index 'two words'"),
    "after_switch": ("tell",),
}
NEW = ["shop.0001", "shop.0002"]


def order(stack, *parts) -> list[int]:
    """The places of the first commands that have these parts."""
    said = stack.world.commands
    return [next(place for place, one in enumerate(said) if part in one) for part in parts]


def test_each_runs_at_its_moment(stack):
    stack.deploy("shop:1")
    stack.world.commands.clear()
    record = stack.deploy("shop:2", knows=NEW, options=COMMANDS)
    places = order(
        stack, "freeze", "run --rm --no-deps -T migrate", "createcachetable", "two words", "-s reload", "tell"
    )
    assert places == sorted(places)
    assert [step["step"] for step in record.steps if "index" in step["step"]] == ["index 'two words'"]
    file = stack.ledger.folder(2) / "commands.log"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "freeze of collectstatic ran" in file.read_text()


def test_they_know_the_release(stack):
    stack.deploy("shop:1", options={**COMMANDS, "revision": "3f9c2ab"})
    [said] = [one for one in stack.world.commands if "freeze" in one]
    assert "--env=RELEASE=1 " in said
    assert "--env=REVISION=3f9c2ab " in said


@pytest.mark.parametrize("refused", ["freeze", "index"])
def test_one_that_fails_before_the_switch_stops_the_release(stack, refused):
    stack.deploy("shop:1")
    with pytest.raises(ReleaseError, match=r"stack_release_commands.*no such table"):
        stack.deploy("shop:2", knows=NEW, refuses=[refused], options=COMMANDS)
    assert stack.served_by == {"shop:1"}
    assert stack.states() == ["serving", "failed"]
    assert "no such table" in (stack.ledger.folder(2) / "commands.log").read_text()
    assert stack.world.applied == (["shop.0001"] if refused == "freeze" else NEW)


def test_one_that_fails_after_the_switch_is_a_warning(stack):
    record = stack.deploy("shop:1", refuses=["tell"], options=COMMANDS)
    assert record.state == "serving"
    [warning] = record.warnings
    assert "tell" in warning
    assert "no such table" in warning


def test_going_back_runs_none(stack):
    stack.deploy("shop:1", options=COMMANDS)
    stack.deploy("shop:2", options=COMMANDS)
    stack.world.commands.clear()
    stack.roll_back(1)
    assert not any("freeze" in one or "tell" in one for one in stack.world.commands)
