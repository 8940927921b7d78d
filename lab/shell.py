"""Running commands, and saying what is being done and how long it took."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "lab"

_print_lock = threading.Lock()


class LabError(Exception):
    """Something the user can cure; the message names the cure."""


def say(text: str) -> None:
    with _print_lock:
        print(f"lab: {text}", flush=True)


@contextlib.contextmanager
def stage(name: str) -> Iterator[None]:
    """Say that a step began, and how long it took."""
    say(f"{name} ...")
    began = time.monotonic()
    yield
    say(f"{name}: {time.monotonic() - began:.1f} s")


def run(
    command: Sequence[str | Path],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    cure: str = "",
) -> str:
    """Run a command and return what it printed; its last lines are in the error when it fails."""
    argv = [str(word) for word in command]
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            env={**os.environ, **env} if env else None,
            cwd=cwd,
            timeout=timeout,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]} is not installed. {cure}".strip()) from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(argv[:6])} did not end within {timeout} s. {cure}".strip()) from error
    if done.returncode:
        tail = "\n".join(f"    {line}" for line in (done.stdout + done.stderr).strip().splitlines()[-25:])
        raise LabError(f"{' '.join(argv)[:300]} failed ({done.returncode}):\n{tail}\n{cure}".strip())
    return done.stdout


def works(command: Sequence[str | Path], timeout: float = 15, env: Mapping[str, str] | None = None) -> bool:
    """Whether a command ends well."""
    try:
        run(command, timeout=timeout, env=env)
    except LabError:
        return False
    return True


def wait_for(what: str, probe: Callable[[], bool], *, seconds: float, every: float = 0.2, cure: str = "") -> None:
    """Poll until the probe says yes."""
    deadline = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not within {seconds:.0f} s. {cure}".strip())
        time.sleep(every)


def fail(error: LabError) -> int:
    print(f"lab: {error}", file=sys.stderr, flush=True)
    return 1
