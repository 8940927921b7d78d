"""How programs of the host are started."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from ansible_collections.landfall.django.plugins.module_utils._commands.run import run, start


def test_the_program_reads_what_it_is_given_and_its_outputs_are_apart() -> None:
    done = run(["sh", "-c", "cat; echo problem >&2; exit 3"], given="line\n")
    assert (done.returncode, done.stdout, done.stderr) == (3, "line\n", "problem\n")


def test_errors_come_among_the_output_when_asked() -> None:
    assert run(["sh", "-c", "echo one; echo two >&2; echo three"], merge=True).stdout == "one\ntwo\nthree\n"


def test_bytes_that_are_no_text_do_not_stop_it() -> None:
    assert run(["printf", r"a\377b"]).stdout == "a\N{REPLACEMENT CHARACTER}b"


def test_it_never_reads_the_input_of_ansible() -> None:
    assert run(["cat"]).stdout == ""


def test_what_takes_too_long_is_killed() -> None:
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        run(["sleep", "30"], timeout=0.2)
    assert time.monotonic() - began < 10


def test_a_missing_program_is_told_apart() -> None:
    with pytest.raises(FileNotFoundError):
        run(["landfall-has-no-such-program"])


def test_output_is_read_while_the_program_runs() -> None:
    """A dump is read line by line: the program is not at its end when its first line is there."""
    with start(["sh", "-c", "echo first; cat"], subprocess.PIPE, subprocess.PIPE, sys.__stderr__.buffer) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        assert process.poll() is None
