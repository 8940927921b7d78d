# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Several management commands in one process, run by a stand-in for Django's own function."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.landfall.django.plugins.module_utils._release import checks

DJANGO = """
import sys, types
def execute_from_command_line(words):
    print("ran", *words)
    if words[1] == "check":
        print("?: (mail.E001) no mail", file=sys.stderr)
        sys.exit(1)
    if words[1] == "broken":
        raise ZeroDivisionError("division by zero")
    if words[1] == "leaves":
        sys.exit(3)
    if words[1] == "content":
        sys.exit(0)
for name in ("django", "django.core", "django.core.management"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["django.core.management"].execute_from_command_line = execute_from_command_line
"""


def run(*commands):
    program = DJANGO + checks.code(commands)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_all_run_in_order_as_on_the_command_line():
    done = run(["first", "--noinput"], ["content"], ["second"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "ran manage.py first --noinput",
        "ran manage.py content",
        "ran manage.py second",
    ]
    assert checks.failed(done.stderr) == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("check", "?: (mail.E001) no mail"),
        ("broken", "ZeroDivisionError: division by zero"),
        ("leaves", ""),
    ],
)
def test_the_one_that_fails_is_known_and_ends_it(name, said):
    done = run([name], ["second"])
    assert done.returncode == 1
    assert checks.failed(done.stderr) == name
    assert "second" not in done.stdout
    shown = checks.without_mark(done.stderr)
    assert shown.splitlines()[-1:] == ([said] if said else [])


def test_a_failure_before_them_is_of_none():
    assert checks.failed("Traceback\nModuleNotFoundError: No module named 'shop'\n") == ""
