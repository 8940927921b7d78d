"""python -m lab: see lab/README.md."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import importlib
import importlib.util
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from lab import docker, engine, git, hosts, images, inventory, network, services, settings, ssh
from lab.shell import CACHE, ROOT, LabError, fail, say, stage

# Verbs with a module of their own, which adds itself to the parser.
MORE_VERBS = ("bench",)


def up(directory: Path, names: list[str]) -> None:
    """Start the lab, and hosts of an inventory in it."""
    began = time.monotonic()
    chosen = choose(directory, names)
    CACHE.mkdir(parents=True, exist_ok=True)
    engine.ensure()
    ssh.ensure_keys()
    suites = {host.suite for host in chosen} | {"trixie"}
    needed = images.needed(suites, {name for host in chosen for name in host.images})
    images.ensure(needed)
    network.ensure()
    # The name server must know a host before it starts. A name that came later would restart it under the other hosts.
    services.ensure({*hosts.existing(), *inventory.read(directory)})
    services.fill_registry(needed)
    hosts.ensure(chosen)
    running = [host for host, state in hosts.existing().items() if state == "running"]
    ssh.write({host: hosts.container(host.name) for host in running}, services.depot().container)
    settings.write(directory)
    say(f"up in {time.monotonic() - began:.1f} s; a shell: ssh -F {ssh.CONFIG} {chosen[0].name}")


def reset(directory: Path, names: list[str]) -> None:
    """Fresh hosts in place of these."""
    hosts.remove([host.name for host in choose(directory, names)])
    up(directory, names)


def down(directory: Path | None, names: list[str], with_images: bool) -> None:
    """Remove hosts, or, without any named, the whole lab but its images."""
    if not engine.is_here():
        say("no Docker Engine here: nothing to remove")
        return
    engine.ensure()
    if directory or names:
        hosts.remove([host.name for host in choose(directory or ROOT / "inventories" / "lab", names)])
        return
    with stage("removing the lab"):
        if containers := [*docker.listed("container", services.SERVICE), *docker.listed("container", hosts.HOST_LABEL)]:
            docker.docker("rm", "--force", "--volumes", *containers)
        if volumes := docker.listed("volume", docker.LABEL):
            docker.docker("volume", "rm", *volumes)
        if networks := docker.listed("network", docker.LABEL):
            docker.docker("network", "rm", *networks)
        services.forget()
    if with_images:
        images.remove()


def choose(directory: Path, names: list[str]) -> list[inventory.Host]:
    """The hosts of an inventory that are named, or all of them."""
    listed = inventory.read(directory)
    # As in Ansible's patterns.
    wanted = {name for word in names for name in re.split("[,:]", word) if name} - {"all"}
    if unknown := wanted - {host.name for host in listed}:
        raise LabError(f"{directory}/hosts.yml has no host {', '.join(sorted(unknown))}.")
    if not listed:
        raise LabError(f"{directory}/hosts.yml lists no host.")
    return [host for host in listed if not wanted or host.name in wanted]


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One change of the lab at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another run of the lab to end ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    verbs = whole.add_subparsers(required=True, metavar="VERB")
    for name, action, text in (
        ("up", lambda args: up(args.inventory or default_inventory(), args.hosts), "start the lab and its hosts"),
        ("reset", lambda args: reset(args.inventory or default_inventory(), args.hosts), "replace hosts by fresh ones"),
        ("down", lambda args: down(args.inventory, args.hosts, args.images), "remove the lab, or hosts of it"),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("-i", "--inventory", type=Path, metavar="DIR", help="default: inventories/lab")
        verb.add_argument("hosts", nargs="*", metavar="HOST")
        if name == "down":
            verb.add_argument("--images", action="store_true", help="the images too")
        verb.set_defaults(action=action)

    verb = verbs.add_parser("publish", help="make a git repository in the depot out of a directory tree")
    verb.add_argument("directory", type=Path)
    verb.add_argument("name")
    verb.add_argument("--private", action="store_true", help="by ssh with the deploy key only")
    verb.add_argument("--submodule", action="append", default=[], metavar="PATH=NAME", help="NAME, or an address")
    verb.set_defaults(
        action=lambda args: git.publish(
            args.directory, args.name, private=args.private, submodules=git.submodules(args.submodule)
        )
    )

    verb = verbs.add_parser("power", help="what happens to machines")
    verb.add_argument("host")
    verb.add_argument("verb", choices=sorted(hosts.POWER))
    verb.set_defaults(action=lambda args: hosts.power(args.host, args.verb))

    for name in MORE_VERBS:
        if importlib.util.find_spec(f"lab.{name}"):
            importlib.import_module(f"lab.{name}").add_to(verbs)
    return whole


def default_inventory() -> Path:
    return ROOT / "inventories" / "lab"


def main(words: list[str]) -> int:
    args = parser().parse_args(words)
    try:
        with alone():
            args.action(args)
    except LabError as error:
        return fail(error)
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
