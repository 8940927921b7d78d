# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody deleted, killed or froze, on a host that exists in memory: the next release makes up for it."""

from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError


def test_a_reload_that_failed_is_made_up_for(stack):
    """What Nginx has loaded is asked, not what its file says."""
    stack.deploy("shop:1")
    world = stack.world
    # Somebody else's reload failed once, with the file of the new containers in place.
    stack.deploy("shop:2")
    former = world.loaded["shop"]
    world.loaded["shop"] = "shop: shop-web-1"
    assert stack.served_by == {"nobody"}
    assert stack.deploy("shop:2").state == "serving"
    assert world.loaded["shop"] == former
    assert stack.served_by == {"shop:2"}


def test_nginx_that_freezes_while_it_reloads_never_meets_a_container_that_is_gone(stack):
    stack.deploy("shop:1")
    world = stack.world
    execute = world.do_exec

    def freeze(rest):
        if "reload" in rest:
            world.frozen = True
        return execute(rest)

    world.do_exec = freeze
    with pytest.raises(ReleaseError, match="did not load"):
        stack.deploy("shop:2")
    assert stack.named <= set(stack.running), "whatever it loads when it wakes up"
    world.do_exec, world.frozen = execute, False
    world.reload()
    assert stack.served_by == {"shop:1"}
    stack.deploy("shop:2")
    assert stack.served_by == {"shop:2"}
    assert set(stack.running.values()) == {"shop:2", "mysql:9.7"}


@pytest.mark.parametrize("name", [".env", "compose.yaml", "compose.override.yaml"])
def test_a_file_that_somebody_deleted_comes_back(stack, name):
    stack.deploy("shop:1")
    (stack.root / name).unlink()
    stack.deploy("shop:1")
    assert (stack.root / name).read_bytes() == (stack.ledger.folder(1) / name).read_bytes()
    (stack.root / name).unlink()
    stack.deploy("shop:2")
    assert stack.served_by == {"shop:2"}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": "x"}'])
def test_a_record_that_cannot_be_read_holds_nothing_up(stack, text):
    stack.deploy("shop:1")
    stack.deploy("shop:2")
    (stack.ledger.folder(1) / "record.json").write_text(text)
    assert stack.states() == ["unreadable", "serving"]
    assert stack.deploy("shop:3").release == 3


def test_static_files_that_are_gone_are_published_again(stack):
    stack.deploy("shop:1")
    (stack.front / "sites/shop/static/a.css").unlink()
    stack.deploy("shop:1")
    assert (stack.front / "sites/shop/static/a.css").exists()


def test_what_was_interrupted_is_told(stack):
    stack.deploy("shop:1")
    stack.render("shop:2")
    journal = stack.ledger.begin(stack.root / "next", "ann", {})
    journal.enter("migrating")
    stack.deploy("shop:3")
    records = stack.ledger.read()
    assert [record.state for record in records] == ["serving", "failed", "serving"]
    assert "migrating" in records[1].error


@pytest.mark.parametrize("before", [[], ["shop:1"]])
def test_the_files_of_a_switch_that_was_cut_off_do_not_stay_in_force(stack, before):
    for image in before:
        stack.deploy(image)
    stack.render("shop:2")
    journal = stack.ledger.begin(stack.root / "next", "ann", {})
    journal.enter("switching")
    for name in ("compose.yaml", "compose.override.yaml"):
        (stack.root / name).write_bytes((journal.folder / name).read_bytes())
    with pytest.raises(ReleaseError):
        stack.deploy("shop:3", unfit=True)
    assert stack.in_force == "".join(before)


def test_old_releases_keep_their_record_only(stack):
    for number in range(1, 5):
        stack.deploy(f"shop:{number}", options={"releases_kept": 2})
    files = {number: sorted(path.name for path in stack.ledger.folder(number).iterdir()) for number in range(1, 5)}
    assert files[1] == files[2] == ["record.json"]
    assert ".env" in files[3]
    assert set(stack.world.images) == {"shop:3", "shop:4"}
    with pytest.raises(LookupError, match=r"release 1 .*\.env"):
        stack.roll_back(1)


def test_secret_files_stay_as_long_as_a_release_that_used_them(stack):
    sets = stack.root / "secrets/files"
    for number in range(1, 4):
        (sets / str(number)).mkdir(parents=True)
        stack.deploy(f"shop:{number}", options={"releases_kept": 2, "secret_files": str(number)})
    assert sorted(path.name for path in sets.iterdir()) == ["2", "3"]
    stack.roll_back(2)
    stack.deploy("shop:4", options={"releases_kept": 1})
    assert list(sets.iterdir()) == []


def test_nothing_is_deployed_over_a_restore_that_was_interrupted(stack):
    stack.deploy("shop:1")
    (stack.root / "restore").mkdir()
    (stack.root / "restore/journal.json").write_text("{}")
    with pytest.raises(ReleaseError, match=r"landfall\.django\.restore"):
        stack.deploy("shop:2")
    assert stack.states() == ["serving"]


def test_a_container_that_a_killed_run_has_left_must_be_healthy(stack):
    """It is as its files want it, and nobody has asked for its health yet."""
    stack.deploy("shop:1")
    stack.render("shop:2", ill=True)
    journal = stack.ledger.begin(stack.root / "next", "ann", {})
    journal.enter("starting")
    stack.world._create("web", {"image": "shop:2"}, stack.root / "next").running = True
    with pytest.raises(ReleaseError, match="not healthy"):
        stack.deploy("shop:2")
    assert stack.served_by == {"shop:1"}
