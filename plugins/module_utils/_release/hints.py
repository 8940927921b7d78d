# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find in the output of a failed program the line that says what is wrong, and the cure.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError

_LONGEST = 400
# Colours, and prefixes that Docker, Compose and BuildKit put before a line.
_DECORATION = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|^#\d+ (\d+\.\d+ ?)?|^\d+\.\d{3} |^[a-z0-9][\w.-]*-\d+ +\| ?")
_FRAME = re.compile(r'(?P<margin>[\s|+-]*)File ".+", line \d+')
# gunicorn's own exception, after the traceback of its worker.
_CONSEQUENCE = re.compile(r"gunicorn\.errors\.HaltServer|<HaltServer|SystemExit")
_CHECKS = re.compile(r"System check identified (some|\d+) issue")
_CHECK = re.compile(r"\S.*: \(\w+\.[A-Z]\d+\) ")
# Other programs, the most specific first: apt, pip and uv before the builder, which only says that a step failed.
_TELLING = tuple(
    re.compile(pattern)
    for pattern in (
        r"E: \S",
        r"ERROR: (?!failed to |process |executor )\S",
        r"error: (?!subprocess-exited)\S",
        r"(docker: )?Error response from daemon: ",
        r"([\w.]+\.)?[A-Z]\w*(Error|Exception|Exit|Interrupt|DoesNotExist)\b(: |$)",
        r"ERROR \d+ \(\w+\)",
        r"ERROR: failed to ",
    )
)
_VAGUE = re.compile(r"\b(error|failed|failure|fatal|cannot|could not|denied|not found|refused)\b", re.IGNORECASE)
# What uv says below its error.
_BECAUSE = re.compile(r"\s*(cause: |Caused by: |╰─▶ )(?P<cause>.+)")
# BuildKit repeats its output after this line.
_REPEATS = "------"

# Text in a project's log, and its cure. The first match counts.
_CURES = {
    "Read-only file system": (
        "The root file system of the stack's containers is read-only, except /tmp. If the project must write elsewhere,"
        " give the service a tmpfs or read_only: false in stack_compose_override"
    ),
    "Permission denied": (
        "The project's containers run without root and without capabilities. Set stack_user to a user that may do this;"
        " 0:0 is root"
    ),
    "Operation not permitted": (
        "The project's containers have no capabilities. Add those that the service needs with cap_add in"
        " stack_compose_override"
    ),
    "must be run as root": "The project's containers run without root. If it needs root, set stack_user to 0:0",
}
# A build without network. A missing package is then only a consequence.
_NO_NETWORK = re.compile(
    r"Temporary failure (resolving|in name resolution)|Could not resolve|Name or service not known|"
    r"Network is unreachable|Failed to establish a new connection|dns error|No route to host|no such host|"
    r"Could not connect to|Connection timed out",
    re.IGNORECASE,
)
_NETWORK = (
    "The build's containers cannot reach a package mirror: check the host's network and its name server"
    " (/etc/resolv.conf, or dns in docker_daemon_options), and whether a proxy is needed"
)


# pip's message where the package, and not only the version, is missing.
_NO_VERSIONS = "(from versions: none)"
_NO_INDEX = "The package index does not have this package, or the build cannot reach the index"


def error_line(output: str) -> str:
    """Return the line of a failed command's output that says what is wrong; empty where there is none.

    Of a Python traceback that is the exception, of chained ones the last; of Django's checks the first error.
    """
    lines = _lines(output)
    found = _of_checks(lines) or _of_traceback(lines) or _of_programs(lines) or _of_words(lines)
    return found if len(found) <= _LONGEST else f"{found[:_LONGEST]}…"


def with_cure(message: str) -> str:
    """Add to the message of a failed release which variable to set, where that is known."""
    lowered = message.lower()
    cure = next((cure for sign, cure in _CURES.items() if sign.lower() in lowered), "")
    return f"{message.rstrip()}\n{cure}." if cure else message


def describe_error(error: BaseException) -> str:
    """Return the message of an error: of a failed docker command first the line that says what is wrong, then all."""
    line = error_line(error.output) if isinstance(error, DockerError) else ""
    return f"{line}\n{error}" if line else str(error) or type(error).__name__


@dataclass(frozen=True)
class BuildFailure:
    """Why an image could not be built, in one sentence, and the last lines of the log."""

    reason: str
    log: Sequence[str]


def build_failure(output: str, otherwise: str, count: int = 40) -> BuildFailure:
    """Explain a failed build by the builder's standard error; `otherwise` is the reason where that is empty."""
    shown = _lines(output)
    if _REPEATS in shown:
        shown = shown[: shown.index(_REPEATS)]
    line = error_line("\n".join(shown)) or error_line(output) or otherwise
    cause = _NETWORK if _NO_NETWORK.search(output) else _NO_INDEX if _NO_VERSIONS in line else ""
    return BuildFailure(f"{cause}: {line}" if cause else line, [text for text in shown if text.strip()][-count:])


def _lines(output: str) -> list[str]:
    return [_DECORATION.sub("", line.rstrip()) for line in output.splitlines()]


def _of_checks(lines: Sequence[str]) -> str:
    begin = next((number for number, line in enumerate(lines) if _CHECKS.search(line)), None)
    if begin is None:
        return ""
    return next((line.strip() for line in lines[begin:] if _CHECK.match(line)), "")


def _of_traceback(lines: Sequence[str]) -> str:
    frames = [(number, len(found["margin"])) for number, line in enumerate(lines) if (found := _FRAME.match(line))]
    exceptions = [text for number, margin in frames if (text := _exception(lines[number + 1 :], margin))]
    causes = [text for text in exceptions if not _CONSEQUENCE.match(text)]
    return (causes or exceptions or [""])[-1]


def _exception(lines: Sequence[str], margin: int) -> str:
    """Return the exception below the last frame of a traceback; empty where another frame follows."""
    for line in lines:
        if _FRAME.match(line):
            return ""
        text = line.lstrip(" |+-")
        # The code and the marks below a frame are indented more than it, the exception less.
        if text and len(line) - len(text) < margin:
            return "" if text.startswith("[Previous line repeated") else text.strip()
    return ""


def _of_programs(lines: Sequence[str]) -> str:
    for pattern in _TELLING:
        for number, line in enumerate(lines):
            if pattern.match(line.strip()):
                causes = [found["cause"] for later in lines[number + 1 :] if (found := _BECAUSE.match(later))]
                return f"{line.strip()}: {causes[-1].strip()}" if causes else line.strip()
    return ""


def _of_words(lines: Sequence[str]) -> str:
    spoken = [line.strip() for line in lines if line.strip()]
    return next((line for line in reversed(spoken) if _VAGUE.search(line)), spoken[-1] if spoken else "")
