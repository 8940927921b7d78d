"""Runs the stages of `make test` one after another, cheapest first, and stops at the first that fails.

Usage: stages.py [NAME...]    all of them without a name; `scenarios` stands for every Molecule scenario.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rendered import LOCKS

ROOT = Path(__file__).resolve().parent.parent
# What the collection generates, for linters that read no templates.
RENDERED = ".cache/rendered"
COMPOSE_FILES = (f"{RENDERED}/stack/compose.yaml", f"{RENDERED}/front/compose.yaml")
PYTHON_CODE = ("plugins", "roles", "lab", "tools", "tests", "molecule", "examples")


@dataclass(frozen=True)
class Stage:
    name: str
    commands: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Outcome:
    stage: Stage
    passed: bool
    seconds: float


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
    yield from (f"{RENDERED}/{lock}/Dockerfile" for lock in LOCKS)


def scenarios() -> Iterator[Stage]:
    """One stage for each Molecule scenario; `default` is what the others build on, so it comes first."""
    names = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    for name in sorted(names, key=lambda name: (name != "default", name)):
        yield Stage(name, (("molecule", "test", "--scenario-name", name),))


def stages() -> list[Stage]:
    return [
        lint(),
        Stage("unit", (("tools/environment", "redis-server:redis-server"), ("pytest", "tests/unit"))),
        Stage("sanity", (("python", "tools/sanity.py"),)),
        Stage("lab", (("python", "-m", "lab", "up", "-i", "molecule/inventory", "bookworm:trixie"),)),
        *scenarios(),
    ]


def chosen(names: list[str]) -> list[Stage]:
    known = {stage.name: stage for stage in stages()}
    of_molecule = [stage.name for stage in scenarios()]
    wanted = [single for name in names for single in (of_molecule if name == "scenarios" else [name])]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.exit(f"No stage {', '.join(unknown)}. There are: {', '.join(known)}, scenarios.")
    return [known[name] for name in wanted] if names else list(known.values())


def run(stage: Stage) -> Outcome:
    start = time.monotonic()
    passed = True
    for command in stage.commands:
        print(f"\n== {stage.name}: {command_line(command)}", flush=True)
        passed = subprocess.run(command, cwd=ROOT, check=False).returncode == 0
        if not passed:
            break
    outcome = Outcome(stage, passed, time.monotonic() - start)
    print(f"== {report(outcome)}", flush=True)
    return outcome


def command_line(command: tuple[str, ...]) -> str:
    line = " ".join(command)
    return line if len(line) < 100 else f"{line[:97]}..."


def report(outcome: Outcome) -> str:
    return f"{outcome.stage.name:<12} {'passed' if outcome.passed else 'FAILED'} in {outcome.seconds:.1f} s"


def main() -> int:
    wanted = chosen(sys.argv[1:])
    outcomes: list[Outcome] = []
    for stage in wanted:
        outcomes.append(run(stage))
        if not outcomes[-1].passed:
            break
    print("\n== summary")
    for outcome in outcomes:
        print(report(outcome))
    for stage in wanted[len(outcomes) :]:
        print(f"{stage.name:<12} not run")
    failed = sum(not outcome.passed for outcome in outcomes)
    print(f"{len(outcomes) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
