from __future__ import annotations

from pathlib import Path

import pytest

from lab import inventory
from lab.inventory import Host
from lab.shell import LabError


def write(folder: Path, text: str) -> Path:
    (folder / "hosts.yml").write_text(text)
    return folder


def test_hosts_of_all_groups_are_found(tmp_path: Path) -> None:
    text = """
    all:
      hosts:
        one: {ansible_host: 172.30.77.20}
      children:
        more:
          hosts:
            two: {ansible_host: 172.30.77.21, lab_suite: bookworm}
            one:
        none:
    """
    found = inventory.read(write(tmp_path, text))
    assert found == [Host("one", "172.30.77.20", "trixie"), Host("two", "172.30.77.21", "bookworm")]


def test_images_that_a_host_lists_are_read_and_do_not_make_it_another_host(tmp_path: Path) -> None:
    text = "all: {hosts: {one: {ansible_host: 172.30.77.20, lab_images: ['postgres:18']}}}"
    [host] = inventory.read(write(tmp_path, text))
    assert host.images == ("postgres:18",)
    assert host == Host("one", "172.30.77.20", "trixie")


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ("{}", "ansible_host must be an address"),
        ("{ansible_host: 192.0.2.1}", "ansible_host must be an address"),
        ("{ansible_host: 172.30.77.4}", "ansible_host must be an address"),  # a service's
        ("{ansible_host: 172.30.77.255}", "ansible_host must be an address"),  # broadcast
        ("{ansible_host: 172.30.77.20, lab_suite: potato}", "lab_suite must be one of"),
        ("{ansible_host: 172.30.77.20, lab_images: 'postgres:18'}", "lab_images must be a list"),
    ],
)
def test_a_host_that_the_lab_cannot_make_is_refused(tmp_path: Path, variables: str, complaint: str) -> None:
    with pytest.raises(LabError, match=complaint):
        inventory.read(write(tmp_path, f"all: {{hosts: {{one: {variables}}}}}"))


def test_two_hosts_at_one_address_are_refused(tmp_path: Path) -> None:
    text = "all: {hosts: {one: {ansible_host: 172.30.77.20}, two: {ansible_host: 172.30.77.20}}}"
    with pytest.raises(LabError, match=r"share the address 172\.30\.77\.20"):
        inventory.read(write(tmp_path, text))


def test_an_inventory_without_hosts_yml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"hosts\.yml does not exist"):
        inventory.read(tmp_path)
