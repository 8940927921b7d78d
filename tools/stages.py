"""Runs the stages of `make test`, cheapest first. Once one without hosts has failed, no further one starts.

Usage: stages.py [NAME...]    all of them without a name; `scenarios` stands for every Molecule scenario, `unit` and
                              `sanity` for those with the oldest and the newest ansible-core, and `releases` for the
                              two parts of that scenario.

First come those that need no lab, then the lab, then the scenarios. They run two at a time, and the output of each is
printed when it ends. The tests with the mark `alone` come last, and nothing runs beside them. A scenario that fails
stops no other one: a run takes long, and should tell all that is wrong. What failed is said once more at the end.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from rendered import PROJECTS

ROOT = Path(__file__).resolve().parent.parent
# What the collection generates, for linters that read no templates.
RENDERED = ".cache/rendered"
COMPOSE_FILES = (f"{RENDERED}/stack/compose.yaml", f"{RENDERED}/front/compose.yaml")
# Each with its requirements/NAME.txt. Molecule runs with the one between them, of requirements/dev.txt.
CORES = ("oldest", "newest")
LAB = "lab"
# What the others build on, then the longest.
FIRST = ("default", "releases", "security", "projects")
# The scenario in which tests have the mark `alone`: they need the machine for themselves.
PARTED = "releases"
BESIDE = f"{PARTED}-beside"
ALONE = f"{PARTED}-alone"
# Two stages keep both cores of a small machine busy.
LANES = 2
# Stages that run at the same time print one after the other.
PRINTING = threading.Lock()
# Lines that tell what went wrong, of pytest, Ansible and the linters; how many of them the summary repeats per stage.
TELLING = re.compile(r"(FAILED (?!- )|ERROR (?! )|E  |\[ERROR\]|fatal:|failed:|.*\b[Ee]rror: )")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
REPEATED = 10
PYTHON_CODE = ("plugins", "roles", "lab", "tools", "tests", "molecule", "examples")


@dataclass(frozen=True)
class Stage:
    name: str
    commands: tuple[tuple[str, ...], ...]
    hosts: frozenset[str] = frozenset()  # of the lab: no two stages use one at the same time


@dataclass(frozen=True)
class Outcome:
    stage: Stage
    passed: bool
    seconds: float
    output: str = ""  # where it was not shown as it came

    @property
    def stops_all(self) -> bool:
        """Whether no further stage makes sense. What needs no host is quick, and so is another run."""
        return not self.passed and (not self.stage.hosts or self.stage.name == LAB)

    def telling(self) -> list[str]:
        """The lines of the output that say best why the stage failed."""
        lines = [line for line in COLOUR.sub("", self.output).splitlines() if line.strip()]
        chosen = [line for line in lines if TELLING.match(line)] or lines
        return [line[:200] for line in chosen[-REPEATED:]]


def shell_scripts() -> Iterator[str]:
    """Every file of the repository that says of itself that a shell runs it."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines():
        path = ROOT / name
        if path.is_file() and not path.is_symlink() and path.suffix != ".j2":
            with path.open("rb") as file:
                first = file.readline(80)
            if first.startswith(b"#!") and first.split(b"/")[-1].split()[-1] in (b"sh", b"bash", b"dash"):
                yield name


def lint() -> Stage:
    code = [name for name in PYTHON_CODE if (ROOT / name).is_dir()]
    return Stage(
        "lint",
        (
            ("ruff", "check", *code),
            ("ruff", "format", "--check", *code),
            ("yamllint", "--strict", "."),
            ("shellcheck", *shell_scripts()),
            ("python", "tools/rendered.py", RENDERED),
            ("hadolint", *dockerfiles()),
            ("compose-lint", "check", "--quiet", "--fail-on=low", "--config=.compose-lint.yml", *COMPOSE_FILES),
            ("mypy",),
            ("python", "tools/docs.py", "--check"),
            ("ansible-lint", "--offline", "--profile", "production"),
        ),
    )


def dockerfiles() -> Iterator[str]:
    """Those of projects, and those that are generated for projects that have none."""
    for folder in ("examples", "tests"):
        yield from sorted(str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("Dockerfile*"))
    yield from (f"{RENDERED}/{name}/Dockerfile" for name in PROJECTS)


def scenarios() -> Iterator[Stage]:
    """One stage for each Molecule scenario, and a second one for the tests with the mark `alone`."""
    names = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    for name in sorted(names, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST)):
        file = yaml.safe_load((ROOT / "molecule" / name / "molecule.yml").read_text())
        hosts = frozenset(file["provisioner"]["options"]["limit"].split(":"))
        if name == PARTED:
            yield from parted(name, hosts)
        else:
            yield Stage(name, (molecule("test", name),), hosts)


def parted(name: str, hosts: frozenset[str]) -> Iterator[Stage]:
    """What `molecule test` does, in two parts: the second uses the hosts that the first leaves."""
    verify = molecule("verify", name)
    first = molecule("destroy", name), molecule("converge", name), ("env", "PYTEST_ADDOPTS=-m 'not alone'", *verify)
    yield Stage(BESIDE, first, hosts)
    yield Stage(ALONE, (("env", "PYTEST_ADDOPTS=-m alone", *verify), molecule("destroy", name)), hosts)


def molecule(verb: str, scenario: str) -> tuple[str, ...]:
    return ("molecule", verb, "--scenario-name", scenario)


def publish() -> Stage:
    return Stage(
        "publish",
        (
            ("antsibull-docs", "lint-collection-docs", "--plugin-docs", "."),
            ("antsibull-changelog", "lint"),
            ("python", "tools/publish.py"),
        ),
    )


def sanity(core: str) -> Stage:
    return Stage(f"sanity-{core}", (("tools/under", core, "python", "tools/sanity.py"),))


def unit(core: str) -> Stage:
    """The whole suite: half of it never meets Ansible, but all of it meets the other Python. Many tests only wait."""
    programs = ("tools/environment", "redis-server:redis-server", "restic:restic")
    return Stage(f"unit-{core}", (programs, ("tools/under", core, "pytest", "-q", "-n", "2", "tests/unit")))


def stages() -> list[Stage]:
    in_lab = list(scenarios())
    everywhere: frozenset[str] = frozenset().union(*(stage.hosts for stage in in_lab))
    return [
        lint(),
        publish(),
        # The unit tests wait much, and sanity computes.
        *(stage for core in CORES for stage in (unit(core), sanity(core))),
        Stage("images", (("pytest", "-q", "-n", "2", "tests/lab"),)),
        # With every host, so that no scenario runs before it is done.
        Stage(LAB, (("python", "-m", "lab", "up", "-i", "molecule/inventory", "bookworm:trixie"),), everywhere),
        *in_lab,
    ]


def chosen(names: list[str]) -> list[Stage]:
    known = {stage.name: stage for stage in stages()}
    groups = {name: [f"{name}-{core}" for core in CORES] for name in ("sanity", "unit")}
    groups["scenarios"] = [stage.name for stage in scenarios()]
    groups[PARTED] = [name for name in groups["scenarios"] if name.startswith(f"{PARTED}-")]
    wanted = [single for name in names for single in groups.get(name, [name])]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.exit(f"No stage {', '.join(unknown)}. There are: {', '.join([*known, *groups])}.")
    return [known[name] for name in wanted] if names else list(known.values())


def run(stage: Stage, shows_at_once: bool = True) -> Outcome:
    """Run a stage; its output is shown as it comes, or in one piece at its end."""
    start = time.monotonic()
    passed = True
    said: list[str] = []
    for command in stage.commands:
        said.append(f"\n== {stage.name}: {command_line(command)}\n")
        if shows_at_once:
            print(said.pop(), end="", flush=True)
            passed = subprocess.run(command, cwd=ROOT, check=False).returncode == 0
        else:
            done = subprocess.run(
                command, cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace"
            )
            said.append(done.stdout)
            passed = done.returncode == 0
        if not passed:
            break
    outcome = Outcome(stage, passed, time.monotonic() - start, "".join(said))
    with PRINTING:
        print(f"{outcome.output}== {report(outcome)}", flush=True)
    return outcome


class Queue:
    """Stages that wait for a worker."""

    def __init__(self, wanted: Sequence[Stage]):
        self.waiting = list(wanted)
        self.busy: frozenset[str] = frozenset()
        self.outcomes: list[Outcome] = []
        self.changed = threading.Condition()

    def take(self) -> Stage | None:
        """The next stage whose hosts are free; None where nothing is left, or one that failed stops all."""
        with self.changed:
            while self.waiting and not any(outcome.stops_all for outcome in self.outcomes):
                free = next((stage for stage in self.waiting if not stage.hosts & self.busy), None)
                if free:
                    self.waiting.remove(free)
                    self.busy |= free.hosts
                    return free
                self.changed.wait()
            return None

    def work(self) -> None:
        while stage := self.take():
            outcome = run(stage, shows_at_once=False)
            with self.changed:
                self.outcomes.append(outcome)
                self.busy -= stage.hosts
                self.changed.notify_all()


def run_side_by_side(wanted: Sequence[Stage]) -> list[Outcome]:
    """The outcomes of stages, run LANES at a time; after a failure that stops all, those that run end."""
    if all(one.hosts & other.hosts for one, other in itertools.combinations(wanted, 2)):
        return one_by_one(wanted)
    print(f"== {', '.join(stage.name for stage in wanted)}: two at a time", flush=True)
    queue = Queue(wanted)
    with ThreadPoolExecutor(max_workers=LANES) as pool:
        for worker in [pool.submit(queue.work) for _ in range(LANES)]:
            worker.result()
    return sorted(queue.outcomes, key=lambda outcome: wanted.index(outcome.stage))


def one_by_one(wanted: Sequence[Stage]) -> list[Outcome]:
    """The outcomes of stages of which no two can run at the same time, up to a failure that stops all."""
    outcomes: list[Outcome] = []
    for stage in wanted:
        if not any(outcome.stops_all for outcome in outcomes):
            outcomes.append(run(stage))
    return outcomes


def command_line(command: tuple[str, ...]) -> str:
    line = " ".join(command)
    return line if len(line) < 100 else f"{line[:97]}..."


def report(outcome: Outcome) -> str:
    return f"{outcome.stage.name:<16} {'passed' if outcome.passed else 'FAILED'} in {outcome.seconds:.1f} s"


def waves(wanted: Sequence[Stage]) -> list[list[Stage]]:
    """What runs side by side, and then what runs alone."""
    # Those that need no lab first, then the lab, which the others wait for.
    beside = sorted(
        (stage for stage in wanted if stage.name != ALONE), key=lambda stage: (bool(stage.hosts), stage.name != LAB)
    )
    return [beside, [stage for stage in wanted if stage.name == ALONE]]


def main() -> int:
    wanted = chosen(sys.argv[1:])
    start = time.monotonic()
    outcomes: list[Outcome] = []
    for wave in waves(wanted):
        # The second part of a scenario needs what its first part leaves.
        if not any(outcome.stops_all or (not outcome.passed and outcome.stage.name == BESIDE) for outcome in outcomes):
            outcomes += run_side_by_side(wave)
    summarize(wanted, outcomes, time.monotonic() - start)
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def summarize(wanted: Sequence[Stage], outcomes: Sequence[Outcome], seconds: float) -> None:
    """Print how each stage went, then why some failed: where only the end of a log is kept, that is what is wanted."""
    print("\n== summary")
    for outcome in outcomes:
        print(report(outcome))
    run_names = {outcome.stage.name for outcome in outcomes}
    for stage in wanted:
        if stage.name not in run_names:
            print(f"{stage.name:<16} not run")
    print(f"{'together':<16} {seconds:.1f} s")
    failed = [outcome for outcome in outcomes if not outcome.passed]
    for outcome in filter(Outcome.telling, failed):
        print(f"== {outcome.stage.name} said", *outcome.telling(), sep="\n")
    print(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed", flush=True)


if __name__ == "__main__":
    sys.exit(main())
