# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a tag runs, what a condition leaves out, and what the tasks need on a host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from rendered import variable

ROOT = Path(__file__).parents[2]
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
TASKS = sorted(ROOT.glob("roles/*/tasks/*.yml"))
# Of this collection, the modules that drive the docker command. The others want Python libraries on the host.
OF_COMMUNITY = {"docker_image_build", "docker_compose_v2", "docker_compose_v2_run"}
TASK_FILES = ("ansible.builtin.import_tasks", "ansible.builtin.include_tasks")


def load(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def flat(tasks: Any) -> Iterator[dict[str, Any]]:
    """The tasks of blocks as well."""
    for task in tasks or []:
        yield task
        for part in ("block", "rescue", "always"):
            yield from flat(task.get(part))


def main_tasks(role: str) -> list[dict[str, Any]]:
    """The steps of a role; those of the host are in a file of their own, under the host's lock."""
    files = [ROOT / "roles" / role / "tasks" / name for name in ("main.yml", "host.yml")]
    return [task for file in files if file.exists() for task in flat(load(file)) if "block" not in task]


def tags_of(role: str) -> set[str]:
    return {tag for task in main_tasks(role) for tag in task["tags"]}


def is_preflight(task: dict[str, Any]) -> bool:
    return any(file.endswith("/preflight.yml") for file in (task.get(name, {}).get("file", "") for name in TASK_FILES))


ROLES = sorted(file.parents[1].name for file in TASKS if file.name == "main.yml")


def with_until() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in [*TASKS, *ROOT.glob("roles/*/handlers/*.yml"), *PLAYBOOKS, *ROOT.glob("molecule/*/*.yml")]:
        content = load(file)
        for part in content if isinstance(content, list) else []:
            found = [part, *(task for name in ("pre_tasks", "tasks", "post_tasks") for task in flat(part.get(name)))]
            yield from ((f"{file.parent.parent.name}: {task['name']}", task) for task in found if "until" in task)


@pytest.mark.parametrize("task", [pytest.param(task, id=name) for name, task in with_until()])
def test_what_is_waited_for_may_fail_at_first(task: dict[str, Any]) -> None:
    """A condition that cannot be evaluated ends the waiting, and what failed returns little."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True)
    environment.tests["succeeded"] = lambda result: not result["failed"]
    failed = {"failed": True, "changed": False, "msg": "not yet", "rc": 1}
    assert environment.compile_expression(task["until"])(**{task["register"]: failed}) is False


def test_rsync_connects_as_ansible_does() -> None:
    """Through the same jump host, and to no host with another key."""
    tasks = [task for file in TASKS for task in flat(load(file)) if "ansible.posix.synchronize" in task]
    remote = [task["ansible.posix.synchronize"] for task in tasks if "delegate_to" not in task]
    assert len(remote) == 2
    for given in remote:
        assert given["use_ssh_args"] is True
        assert given["verify_host"] == "{{ __stack_verify_host }}"


@pytest.mark.parametrize(("given", "verified"), [({}, True), ({"ansible_host_key_checking": False}, False)])
def test_rsync_verifies_the_host_where_ansible_does(given: dict[str, Any], verified: bool) -> None:
    assert variable("stack", "__stack_verify_host", given) is verified


def test_no_task_runs_with_a_tag_of_nobodys() -> None:
    for file in [*TASKS, *PLAYBOOKS]:
        assert not re.search(r"tags:.*\balways\b", file.read_text()), file


@pytest.mark.parametrize("role", ROLES)
def test_every_tag_of_a_role_brings_its_preflight(role: str) -> None:
    tasks = main_tasks(role)
    (preflight,) = filter(is_preflight, tasks)
    assert set(preflight["tags"]) == tags_of(role)
    assert role in tags_of(role)
    for task in tasks:
        # An include passes its tags on, or nothing inside it would run, as an import does by itself; each task of
        # host.yml has its own.
        include = task.get("ansible.builtin.include_tasks") or task.get("ansible.builtin.include_role") or {}
        if include.get("file", "").endswith("/host.yml"):
            assert set(task["tags"]) == tags_of(role)
        elif include:
            assert sorted(include["apply"]["tags"]) == sorted(task["tags"])


def test_every_tag_that_changes_a_stack_brings_the_lock() -> None:
    locks = [task for task in main_tasks("stack") if "landfall.django.lock" in task]
    assert [set(task["tags"]) for task in locks] == [tags_of("stack") - {"stack_preflight"}] * 2


def test_a_step_brings_what_it_relies_on() -> None:
    steps = {task["name"]: set(task["tags"]) for task in main_tasks("stack") if "ansible.builtin.include_tasks" in task}
    assert steps["Release"] < steps["Render the stack's files"] < steps["Build or pull the image"]
    assert steps["Prepare the secrets"] == steps["Render the stack's files"]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = tmp_path_factory.mktemp("ansible")

    def run(tag: str) -> list[str]:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("ansible-playbook"),
                "-i",
                "host,",
                "--list-tasks",
                "--tags",
                tag,
                *PLAYBOOKS,
            ],
            env={**os.environ, "ANSIBLE_HOME": str(home), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=True,
        )
        names = re.findall(r"^ {6}(.+?)\s+TAGS:", done.stdout, re.MULTILINE)
        # Ansible itself holds variables against the argument specs, whatever the tag; that changes nothing.
        return [name for name in names if ": Validating arguments against arg spec" not in name]

    return run


def test_ansible_runs_nothing_for_a_tag_of_nobodys(listed: Any) -> None:
    assert listed("nosuchtag") == []


def test_ansible_runs_the_preflight_and_the_lock_for_a_tag(listed: Any) -> None:
    found = listed("stack_image")
    assert "landfall.django.stack : Run the preflight checks" in found
    assert "landfall.django.stack : Take the stack's lock" in found
    assert not {f"landfall.django.stack : {name}" for name in ("Render the stack's files", "Release")} & set(found)
    assert "landfall.django.docker : Install Docker" in listed("docker_logins")


@pytest.mark.parametrize("playbook", ["site", "deploy"])
def test_the_preflight_speaks_before_ansible_does(playbook: str) -> None:
    (role,) = [
        task["ansible.builtin.import_role"]
        for task in load(ROOT / "playbooks" / f"{playbook}.yml")[0]["tasks"]
        if task.get("ansible.builtin.import_role", {}).get("name") == "landfall.django.stack"
    ]
    # Ansible's own look at a role's arguments ends at the first value that it cannot evaluate, and does not name it.
    assert role["rolespec_validate"] is False


def test_no_role_of_the_site_is_held_against_its_specs_twice() -> None:
    tasks = list(flat(load(ROOT / "playbooks/site.yml")[0]["tasks"]))
    imported = [task.get("ansible.builtin.import_role", {}) for task in tasks]
    whole = [role for role in imported if role and "tasks_from" not in role]
    unchecked = {role["name"] for role in whole if role.get("rolespec_validate") is False}
    files = {role: ROOT / f"roles/{role}/tasks/preflight.yml" for role in ROLES}
    own = {role for role, file in files.items() if "landfall.django.preflight:" in file.read_text()}
    assert unchecked == {f"landfall.django.{role}" for role in own}


def test_tasks_need_no_python_library_on_the_host() -> None:
    used = {key for file in TASKS for task in flat(load(file)) for key in task if key.startswith("community.")}
    assert used <= {f"community.docker.{name}" for name in OF_COMMUNITY}


def test_without_the_hosts_front_neither_front_nor_certificate_is_touched() -> None:
    for playbook in ("site", "remove"):
        for task in flat(load(ROOT / "playbooks" / f"{playbook}.yml")[0]["tasks"]):
            role = (task.get("ansible.builtin.import_role") or {}).get("name", "")
            if role in ("landfall.django.nginx", "landfall.django.letsencrypt"):
                assert "stack_nginx_root | length > 0" in task["when"]


def test_the_webroot_follows_the_front() -> None:
    assert variable("letsencrypt", "letsencrypt_webroot", {}) == "/srv/nginx/acme"
    assert variable("letsencrypt", "letsencrypt_webroot", {"nginx_root": "/opt/front"}) == "/opt/front/acme"


def test_the_default_of_the_fronts_folder_is_said_by_roles_alone() -> None:
    assert [file.name for file in PLAYBOOKS if "/srv/" in file.read_text()] == []


@pytest.mark.parametrize("role", sorted(set(ROLES) - {"stack"}))
def test_a_role_locks_the_host_unless_its_play_has(role: str) -> None:
    locks = [task for task in main_tasks(role) if is_lock(task)]
    assert [lock_of(task) for task in locks] == ["lock_host", "unlock_host"]
    for task in locks:
        assert task["when"] == "not common_host_locked | default(false)"
        assert set(task["tags"]) == tags_of(role)


@pytest.mark.parametrize("playbook", ["site", "provision"])
def test_a_play_locks_the_host_once_for_all_roles_that_prepare_it(playbook: str) -> None:
    tasks = list(flat(load(ROOT / "playbooks" / f"{playbook}.yml")[0]["tasks"]))
    locks = [task for task in tasks if is_lock(task)]
    assert [lock_of(task) for task in locks] == ["lock_host", "unlock_host"]
    locked = [task for task in tasks if task.get("vars", {}).get("common_host_locked")]
    names = [task["ansible.builtin.import_role"]["name"].rpartition(".")[2] for task in locked]
    assert names == ["hardening", "docker", "nginx"]
    # Under each of their tags, or a role would go ahead with no lock at all.
    for task in locks:
        assert set(task["tags"]) == set().union(*(tags_of(name) for name in names))
        assert "when" not in task
    assert tasks.index(locks[0]) < tasks.index(locked[0])
    assert tasks.index(locked[-1]) < tasks.index(locks[1])


def is_lock(task: dict[str, Any]) -> bool:
    return lock_of(task).endswith("lock_host")


def lock_of(task: dict[str, Any]) -> str:
    return str(task.get("ansible.builtin.import_role", {}).get("tasks_from", ""))


def test_whoever_asks_apt_waits_for_a_host_that_upgrades_itself() -> None:
    asked = [
        task["ansible.builtin.apt"] for file in TASKS for task in flat(load(file)) if "ansible.builtin.apt" in task
    ]
    assert asked
    assert all(options.get("lock_timeout", 60) >= 600 for options in asked)
