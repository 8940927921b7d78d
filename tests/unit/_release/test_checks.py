# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Several management commands in one process, run by a stand-in for Django's own functions."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.landfall.django.plugins.module_utils._release import checks

DJANGO = """
import sys, types
class CommandError(Exception): pass
class SystemCheckError(CommandError): pass
def call_command(name, *words, **options):
    print("ran", name, *words, options)
    if name == "check":
        raise SystemCheckError("?: (mail.E001) no mail")
    if name == "missing":
        raise CommandError("Unknown command: 'missing'")
    if name == "broken":
        raise ZeroDivisionError("division by zero")
    if name == "leaves":
        sys.exit(3)
    if name == "content":
        sys.exit(0)
for name in ("django", "django.core", "django.core.management", "django.core.management.base"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["django.core.management"].CommandError = CommandError
sys.modules["django.core.management"].call_command = call_command
sys.modules["django.core.management.base"].SystemCheckError = SystemCheckError
"""


def run(*commands):
    program = DJANGO + checks.code(commands)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_all_run_in_order_as_on_the_command_line():
    done = run(["first", "--noinput"], ["content"], ["second"])
    assert done.returncode == 0, done.stderr
    assert [line.split("{")[0].split() for line in done.stdout.splitlines()] == [
        ["ran", "first", "--noinput"],
        ["ran", "content"],
        ["ran", "second"],
    ]
    assert "'skip_checks': False" in done.stdout
    assert checks.failed(done.stderr) == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("check", "?: (mail.E001) no mail"),
        ("missing", "CommandError: Unknown command: 'missing'"),
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
