"""python -m lab bench: what the collection costs, beside the same steps in plain shell. See docs/benchmark.md."""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import socket
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lab import engine, hosts, services, settings, ssh
from lab.bench import files, measure, report
from lab.bench.files import HOSTS
from lab.bench.visitors import Visitors
from lab.shell import LabError, run, say, wait_for

if TYPE_CHECKING:
    from argparse import _SubParsersAction

SCRIPT = Path(__file__).parent / "plain.sh"
BARE, UNCHANGED, BY_SITE, BY_DEPLOY = "bare host", "unchanged", "release by site.yml", "release by deploy.yml"
ROLLBACK = "rollback"
# (what, the collection's playbook, the script's verb); a release comes with a changed line.
COURSE = (
    (BARE, "site", "site"),
    (UNCHANGED, "site", "site"),
    (BY_SITE, "site", "release"),
    (UNCHANGED, "site", "site"),
    (BY_DEPLOY, "deploy", "release"),
    # The script has no way back.
    (ROLLBACK, "rollback", ""),
)


def add_to(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("bench", help="measure a deployment beside the same steps in plain shell")
    counts = range(1, 10)
    verb.add_argument("--rounds", type=int, choices=counts, default=2, metavar="N", help="each on fresh hosts; 2")
    verb.add_argument("--keep", action="store_true", help="leave the hosts there at the end")
    verb.set_defaults(action=lambda args: bench(args.rounds, keep=args.keep))


def bench(rounds: int, *, keep: bool = False) -> None:
    """Measure, and print the table."""
    from lab.__main__ import up  # here, since it imports this package for its parser

    check = ["ansible-playbook", "landfall.django.site", "--syntax-check", "-i", "localhost,"]
    run(check, timeout=120, cure="Use `make bench` or `tools/run python -m lab bench`, where the collection is found.")
    engine.ensure()
    figures = measure.Figures()
    shutil.rmtree(files.FOLDER, ignore_errors=True)
    names = [name for name, _ in HOSTS.values()]
    try:
        files.write_inventory()
        for number in range(rounds):
            hosts.remove(names)
            up(files.INVENTORY, names)
            one_round(figures, number)
        for who, (name, _) in HOSTS.items():
            figures.memory |= {(service, who): mib for service, mib in memory(name).items()}
    finally:
        if not keep:
            hosts.remove(names)
    print(f"\n{report.table(figures)}", flush=True)


def one_round(figures: measure.Figures, number: int) -> None:
    """The whole course, step by step on both hosts, so that a busy minute of the machine meets both."""
    files.write_project()
    mark = former = "</html>"
    # Of its own for each round: a connection that Ansible keeps would lead to a host that is gone.
    with tempfile.TemporaryDirectory(prefix="bench-") as connections:
        for index, (what, playbook, verb) in enumerate(COURSE):
            if what in (BY_SITE, BY_DEPLOY):
                former = mark
                mark = files.edit_project(100 * number + index)
            # The first time the script has to wait for the files that the collection renders; then they take turns.
            order = ("collection", "script") if (number + index) % 2 == 0 else ("script", "collection")
            for who in order if verb else ("collection",):
                with visited(figures, what, who):
                    if who == "collection":
                        by_collection(figures, what, playbook, Path(connections))
                    else:
                        by_script(figures, what, verb)
                check_page(who, former if what == ROLLBACK else mark)


@contextlib.contextmanager
def visited(figures: measure.Figures, what: str, who: str) -> Iterator[None]:
    """Have visitors on a site while something happens to it that should not disturb them."""
    if what in (BARE, UNCHANGED):
        yield
        return
    host, address = HOSTS[who]
    with Visitors(address, files.domains(host)[0]) as visitors:
        yield
    figures.visits.setdefault((what, who), []).append((visitors.failed, visitors.requests, visitors.gap()))


def by_collection(figures: measure.Figures, what: str, playbook: str, connections: Path) -> None:
    name = HOSTS["collection"][0]
    env = {
        "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(connections),
        "PROFILE_TASKS_TASK_OUTPUT_LIMIT": "all",
    }
    command = ["ansible-playbook", f"landfall.django.{playbook}", "-i", str(files.INVENTORY), "--limit", name]
    said = figures.run(what, "collection", command, env)
    counts = measure.recap(said)
    figures.add_steps(what, "collection", measure.task_seconds(said))
    if what == UNCHANGED:
        figures.tasks = f"{counts['ok']} tasks ok, {counts['skipped']} skipped, {counts['changed']} changed"
        if counts["changed"]:
            raise LabError(f"The run with nothing to do changed {counts['changed']} tasks: see {measure.LOGS}.")
    elif what == BARE:
        if not files.BUNDLE.exists():
            files.bundle()
    else:
        ledger = json.loads(run(["ssh", "-F", ssh.CONFIG, name, "sudo cat /srv/shop/releases.json"]))
        steps = [(step["step"], step["seconds"]) for step in ledger["releases"][-1]["steps"]]
        title = "switch back, a part of the rollback" if what == ROLLBACK else "switch, a part of each release"
        figures.add_steps(title, "collection", steps)


def by_script(figures: measure.Figures, what: str, verb: str) -> None:
    name = HOSTS["script"][0]
    given = files.settings()
    env = {
        "SSH_CONFIG": str(ssh.CONFIG),
        "FILES": str(files.BUNDLE),
        "DOCKER_KEY_URL": given.get("docker_repository_key", settings.DOCKER_KEY),
        "ACME_DIRECTORY_URL": given["letsencrypt_directory_url"],
        "ACME_EMAIL": given["letsencrypt_email"],
        "DOMAINS": " ".join(files.domains(name)),
    }
    said = figures.run(what, "script", [SCRIPT, verb, name, files.PROJECT], env)
    figures.add_steps(what, "script", measure.script_seconds(said))


def check_page(who: str, mark: str) -> None:
    """The site is there over HTTPS, with a certificate that verifies, in the edition just released."""
    host, address = HOSTS[who]
    name = files.domains(host)[0]
    trust = ssl.create_default_context(cafile=str(services.SITE_CA))
    seen = "no answer"

    def shown() -> bool:
        nonlocal seen
        try:
            with (
                socket.create_connection((address, 443), timeout=5) as plain,
                trust.wrap_socket(plain, server_hostname=name) as connection,
            ):
                connection.sendall(f"GET / HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
                seen = b"".join(iter(lambda: connection.recv(65536), b"")).decode(errors="replace")
        except OSError as error:
            seen = str(error)
        return mark in seen

    try:
        wait_for(f"{mark} on https://{name}/ of {host}", shown, seconds=20)
    except LabError as error:
        raise LabError(f"{error} What came last: {seen[:500]}") from error


def memory(name: str) -> dict[str, float]:
    """MiB of each service."""
    units = {"B": 1 / 2**20, "KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0}
    form = "'{{.Name}} {{.MemUsage}}'"
    found: dict[str, float] = {}
    for line in run(["ssh", "-F", ssh.CONFIG, name, f"sudo docker stats --no-stream --format {form}"]).splitlines():
        container, used = line.split()[:2]
        number = used.rstrip("KMGiB")
        service = container.split("-", 1)[1].rsplit("-", 1)[0]
        found[service] = found.get(service, 0.0) + float(number) * units[used.removeprefix(number)]
    say(f"memory of {len(found)} services of {name}")
    return found
