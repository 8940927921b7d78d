"""python -m lab bench: what the collection costs, beside the same steps in plain shell. See docs/benchmark.md."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lab import engine, hosts, settings, ssh
from lab.bench import databases, files, growth, measure, report
from lab.bench.collection import Collection, built_at, last_release, memory, started_at
from lab.bench.files import HOSTS
from lab.bench.visitors import Visitors, Watch, page
from lab.shell import LabError, run, wait_for

if TYPE_CHECKING:
    from argparse import _SubParsersAction

SCRIPT = Path(__file__).parent / "plain.sh"
BARE, UNCHANGED, UNCHANGED_DEPLOY = "bare host", "unchanged", "unchanged, by deploy.yml"
BY_SITE, BY_DEPLOY = "release by site.yml", "release by deploy.yml"
ROLLBACK, NEVER_HEALTHY = "rollback", "never healthy"
# (what, the collection's playbook, the script's verb); a release comes with a changed line.
COURSE = (
    (BARE, "site", "site"),
    (UNCHANGED, "site", "site"),
    (BY_SITE, "site", "release"),
    (UNCHANGED, "site", "site"),
    (BY_DEPLOY, "deploy", "release"),
    (UNCHANGED_DEPLOY, "deploy", ""),
    # The script has no way back.
    (ROLLBACK, "rollback", ""),
    # Nor does it look whether a release is healthy before it serves.
    (NEVER_HEALTHY, "deploy", ""),
)
BUDGET = 5  # seconds that the release which never gets healthy has for that


def add_to(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("bench", help="measure a deployment beside the same steps in plain shell")
    counts = range(1, 10)
    verb.add_argument("--rounds", type=int, choices=counts, default=2, metavar="N", help="each on fresh hosts; 2")
    verb.add_argument("--growth", action="store_true", help="with more replicas and stacks instead, on one host")
    verb.add_argument("--databases", action="store_true", help="dump, restore and memory of each engine instead")
    verb.add_argument("--keep", action="store_true", help="leave the hosts there at the end")
    verb.set_defaults(
        action=lambda args: by_engine() if args.databases else bench(args.rounds, grow=args.growth, keep=args.keep)
    )


def by_engine() -> None:
    """Measure the database engines, and print the table. No host is needed."""
    engine.ensure()
    print(f"\n{databases.table()}", flush=True)


def bench(rounds: int, *, grow: bool = False, keep: bool = False) -> None:
    """Measure, and print the table."""
    check = ["ansible-playbook", "landfall.django.site", "--syntax-check", "-i", "localhost,"]
    run(check, timeout=120, cure="Use `make bench` or `tools/run python -m lab bench`, where the collection is found.")
    engine.ensure()
    shutil.rmtree(files.FOLDER, ignore_errors=True)
    names = [name for name, _ in HOSTS.values()]
    try:
        table = report.growth(growth.measured()) if grow else report.table(compared(rounds, names))
    finally:
        if not keep:
            hosts.remove(names)
    print(f"\n{table}", flush=True)


def compared(rounds: int, names: list[str]) -> measure.Figures:
    """The figures of the collection beside those of the script."""
    from lab.__main__ import up  # here, since it imports this package for its parser

    figures = measure.Figures()
    files.write_inventory()
    for number in range(rounds):
        hosts.remove(names)
        up(files.INVENTORY, names)
        one_round(figures, number)
    for who, (name, _) in HOSTS.items():
        figures.memory |= {(service, who): mib for service, mib in memory(name).items()}
    return figures


def one_round(figures: measure.Figures, number: int) -> None:
    """The whole course, step by step on both hosts, so that a busy minute of the machine meets both."""
    files.write_project()
    mark = former = "</html>"
    # Of its own for each round: a connection that Ansible keeps would lead to a host that is gone.
    with tempfile.TemporaryDirectory(prefix="bench-") as connections:
        collection = Collection(figures, files.INVENTORY, HOSTS["collection"][0], Path(connections))
        for index, (what, playbook, verb) in enumerate(COURSE):
            if what in (BY_SITE, BY_DEPLOY):
                former = mark
                mark = files.edit_project(100 * number + index)
            shown = former if what in (ROLLBACK, NEVER_HEALTHY) else mark
            # The first time the script has to wait for the files that the collection renders; then they take turns.
            order = ("collection", "script") if (number + index) % 2 == 0 else ("script", "collection")
            for who in order if verb else ("collection",):
                with visited(figures, what, who, shown):
                    if who == "collection":
                        by_collection(collection, what, playbook)
                    else:
                        by_script(figures, what, verb)
                check_page(who, shown)


@contextlib.contextmanager
def visited(figures: measure.Figures, what: str, who: str, mark: str) -> Iterator[None]:
    """Have visitors on a site while something happens to it that should not disturb them."""
    if what in (BARE, UNCHANGED, UNCHANGED_DEPLOY):
        yield
        return
    host, address = HOSTS[who]
    name = files.domains(host)[0]
    began = time.time()
    with Visitors(address, name) as visitors, Watch(address, name, mark) as watch:
        yield
    figures.visits.setdefault((what, who), []).append((visitors.failed, visitors.requests, visitors.gap()))
    if what == ROLLBACK:
        figures.add_moment(report.BACK, who, watch.seen - began)
    elif what in (BY_SITE, BY_DEPLOY):
        image = last_release(host, "shop")["site"]["image"] if who == "collection" else "shop:plain"
        figures.add_moment(report.ANSWERS, who, watch.seen - built_at(host, image))


def by_collection(collection: Collection, what: str, playbook: str) -> None:
    figures = collection.figures
    if what == NEVER_HEALTHY:
        wrong = {"stack_health_path": "/nowhere/", "stack_health_timeout": BUDGET}
        collection.play(what, "collection", playbook, wrong, fails=True)
        figures.add_moment(report.OVER, "collection", time.time() - started_at(collection.host) - BUDGET)
        return
    said = collection.play(what, "collection", playbook)
    counts = measure.recap(said)
    tasks = measure.task_seconds(said)
    figures.add_steps(what, "collection", tasks)
    if what in (UNCHANGED, UNCHANGED_DEPLOY):
        figures.tasks[what] = f"{counts['ok']} tasks ok, {counts['skipped']} skipped, {counts['changed']} changed"
        if counts["changed"]:
            raise LabError(f"The run with nothing to do changed {counts['changed']} tasks: see {measure.LOGS}.")
    elif what == BARE:
        if not files.BUNDLE.exists():
            files.bundle()
    else:
        steps = [(step["step"], step["seconds"]) for step in last_release(collection.host, "shop")["steps"]]
        title = "switch back, a part of the rollback" if what == ROLLBACK else "switch, a part of each release"
        figures.add_steps(title, "collection", steps)
        if what == BY_DEPLOY:
            whole = figures.seconds[what, "collection"][-1]
            figures.add_steps(report.SPLIT, "collection", measure.split_of_collection(whole, tasks, steps))


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
    steps = measure.script_seconds(said)
    figures.add_steps(what, "script", steps)
    if what == BY_DEPLOY:
        figures.add_steps(report.SPLIT, "script", measure.split_of_script(figures.seconds[what, "script"][-1], steps))


def check_page(who: str, mark: str) -> None:
    """The site is there over HTTPS, with a certificate that verifies, in the edition just released."""
    host, address = HOSTS[who]
    name = files.domains(host)[0]
    seen = "no answer"

    def shown() -> bool:
        nonlocal seen
        try:
            seen = page(address, name)
        except OSError as error:
            seen = str(error)
        return mark in seen

    try:
        wait_for(f"{mark} on https://{name}/ of {host}", shown, seconds=20)
    except LabError as error:
        raise LabError(f"{error} What came last: {seen[:500]}") from error
