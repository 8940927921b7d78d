"""Refused before the first change: the host is bare, and still is afterwards."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]

SNAPSHOT = (
    r"find /etc /srv /opt /root /usr/local /var/lib/dpkg -xdev -not -path '*/.ansible*' -printf '%p %m %s %T@\n'"
    " | sort | sha256sum"
)

SHOP = {
    **yaml.safe_load((ROOT / "molecule/default/shop.yml").read_text()),
    "stack_project_dir": str(ROOT / "examples/shop"),
}
BAD = [
    ({"stack_project_dir": ""}, ["stack_git_repository", "stack_project_dir", "stack_image"]),
    ({"stack_image": "shop:1"}, ["stack_project_dir", "stack_image"]),
    ({"stack_project_dir": "/nowhere"}, ["stack_project_dir", "/nowhere"]),
    ({"stack_domains": ["https://shop.example.com"]}, ["stack_domains", "https://shop.example.com"]),
    ({"stack_domains": ["shop.example.com; }"]}, ["stack_domains"]),
    ({"stack_domains": []}, ["stack_domains"]),
    ({"stack_name": "Shop; rm"}, ["stack_name"]),
    ({"stack_mode": "staging"}, ["stack_mode", "production"]),
    ({"stack_domain": "shop.example.com"}, ["stack_domain", "stack_domains"]),
    ({"stack_port": "eight"}, ["stack_port"]),
    ({"stack_wsgi_application": "shop/wsgi.py"}, ["stack_wsgi_application"]),
    ({"stack_database_password": "it's"}, ["stack_database_password"]),
    ({"stack_secrets": {"TOKEN": "{{ vault_of_nobody }}"}}, ["stack_secrets: TOKEN", "vault_of_nobody"]),
    ({"stack_secrets": {"TOKEN": "p{{4"}}, ["stack_secrets: TOKEN", "!unsafe"]),
    ({"stack_processes": {"migrate": "x"}}, ["stack_processes", "migrate"]),
    ({"stack_processes": {"w": "celery worker -B"}}, ["stack_processes", "-B"]),
    ({"stack_releases_kept": 0}, ["stack_releases_kept"]),
    ({"stack_disk_free_minimum_mib": 99999999}, ["stack_disk_free_minimum_mib", "MiB"]),
]


@pytest.fixture(scope="module")
def refusal_of(host, variables, tmp_path_factory) -> Callable[[dict], str]:
    """What the site says to bad variables, all of them tried in one run: the host has a name for each."""
    known = {name: variables[name] for name in ("ansible_host", "lab_suite")}
    names = {f"bad-{number}": {**known, **SHOP, **given} for number, (given, _) in enumerate(BAD)}
    inventory = tmp_path_factory.mktemp("bad") / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": names}}))
    before = host.check_output(SNAPSHOT)
    done = subprocess.run(
        [
            *("ansible-playbook", "landfall.django.site", f"--inventory={ROOT}/molecule/inventory"),
            *(f"--inventory={inventory}", f"--limit={','.join(names)}"),
        ],
        env=os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert host.check_output(SNAPSHOT) == before
    assert not host.file("/usr/bin/docker").exists
    tasks = [task for play in json.loads(done.stdout)["plays"] for task in play["tasks"]]
    failed = {name: result["msg"] for task in tasks for name, result in task["hosts"].items() if result.get("failed")}

    def said(given: dict) -> str:
        message = failed[f"bad-{[one for one, _ in BAD].index(given)}"]
        assert "nothing has been changed yet" in message
        return " ".join(message.split())

    return said


@pytest.fixture
def refused(host, ansible_playbook):
    """Run the site with these variables; it must fail in preflight and leave the host alone. Return what it said."""

    def run(**variables):
        before = host.check_output(SNAPSHOT)
        done = ansible_playbook("landfall.django.site", "--extra-vars", json.dumps(variables))
        assert done.returncode != 0, done.stdout
        assert "nothing has been changed yet" in done.stdout
        assert host.check_output(SNAPSHOT) == before
        assert not host.file("/usr/bin/docker").exists
        return " ".join(done.stdout.split())

    return run


@pytest.mark.parametrize(("given", "words"), BAD)
def test_a_bad_variable_is_named_with_its_cure(refusal_of, given, words):
    said = refusal_of(given)
    for word in words:
        assert word in said


def test_all_problems_are_told_at_once(refused):
    said = refused(stack_mode="staging", stack_port="eight", stack_domains=["a_b.example.com"])
    assert all(name in said for name in ("stack_mode", "stack_port", "stack_domains"))


def test_a_taken_port_is_told_with_who_has_it(host, refused):
    host.check_output("systemd-run --unit=squatter python3 -m http.server 80")
    try:
        said = refused()
    finally:
        host.check_output("systemctl stop squatter")
    assert "nginx_http_port" in said
    assert "python3" in said


def test_an_unsupported_distribution_is_refused(host, refused):
    host.check_output(
        "cp /usr/lib/os-release /run/os-release && sed -i 's/^ID=.*/ID=fedora/; s/^PRETTY_NAME=.*/PRETTY_NAME=Fedora/;"
        " s/^VERSION_ID=.*/VERSION_ID=42/' /usr/lib/os-release"
    )
    try:
        said = refused()
    finally:
        host.check_output("cp /run/os-release /usr/lib/os-release")
    assert "use Debian 12, Debian 13 or Ubuntu 24.04" in said
    assert "edora" in said
