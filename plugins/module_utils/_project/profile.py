# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask a project's settings in a throwaway container of its image: what to run, and what its answer means.

All functions but `kept` are pure. settings_probe.py is what runs there. Private to this collection.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import inspect
import json
import posixpath
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ansible_collections.landfall.django.plugins.module_utils._docker.volumes import SECRETS
from ansible_collections.landfall.django.plugins.module_utils._project import settings_probe

# The first that is a page of its own is the project's health page.
HEALTH_PATHS = ("/health/", "/health", "/healthz/", "/healthz", "/up/", "/up", "/ht/")
# Where there is none. _release/health.py says what counts as healthy there.
FRONT_PAGE = "/"
# Takes the environment and the secret files from its standard input, which no process list shows, and becomes the
# program.
_BOOT = f"""
import json, os, sys
asked = json.load(sys.stdin)
for name, content in asked["files"].items():
    with open(os.path.join("{SECRETS}", name), "w", newline="", encoding="utf-8") as file:
        file.write(content)
os.environ.update(asked["environment"])
os.execvp(asked["command"][0], asked["command"])
"""
# Servers that do not believe X-Forwarded-Proto, and the options with which some of them do.
_BLIND = {"daphne", "granian", "hypercorn", "runserver", "waitress-serve"}
_BELIEVES = ("--proxy-headers", "--trusted-proxy")
# The name of a variable of the environment, and not of a setting.
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b(?! setting)|^[A-Z][A-Z0-9]{2,}$")
# A folder that has nothing but logs, so that a mount hides none of the project's files.
_LOG_FOLDER = re.compile(r"/logs?(/|$)")
_NO_LIBRARY = re.compile(
    r"\.so\b.*cannot open shared|cannot load library|([Ff]ailed to|[Cc]ould not|[Uu]nable to) (find|load) .*\blib"
)
_HOST_NAME = re.compile(r"[A-Za-z][\w.-]*")
_SHORT = 6  # a shorter value of the environment is not worth hiding, and may be a part of any word
_NO_WRITING = (errno.EROFS, errno.EACCES, errno.EPERM)
STDERR_HANDLER = '{"class": "logging.StreamHandler"}'


@dataclass(frozen=True)
class Container:
    """How the project's containers run. `writable` are the folders that are mounted there.

    `service` is what stack_compose_override says of web, `hosts` are the servers that the project may look for.
    """

    image: str
    user: str
    writable: tuple[str, ...] = ()
    service: Mapping[str, Any] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """The words after `docker` that start such a container, without a network and without a trace."""
        read_only = ["--read-only"] if self.service.get("read_only", True) else []
        places = dict.fromkeys(["/tmp", *self.writable, *mounted(self.service)])  # noqa: S108 - in the container
        user = str(self.service.get("user") or self.user)
        # Over a folder that the image has, Docker ignores the mode.
        owner = "".join(
            f",{name}={number}" for name, number in zip(("uid", "gid"), user.split(":")) if number.isdigit()
        )
        return [
            *("run", "--rm", "--interactive", "--pull=never", "--init", "--memory=512m"),
            # Some settings look up the address of their own host.
            *("--network=none", "--hostname=landfall"),
            # A name that is not found is looked for again by MySQL's client, for half a minute.
            *(f"--add-host={name}:127.0.0.1" for name in ("landfall", *self.hosts)),
            *("--cap-drop=ALL", "--security-opt=no-new-privileges:true"),
            *(f"--user={user}", *read_only),
            *(f"--tmpfs={place}:mode=1777{owner}" for place in places),
            *("--entrypoint=python3", self.image, "-c", _BOOT),
        ]


def mounted(service: Mapping[str, Any]) -> Iterable[str]:
    """The folders that stack_compose_override lets web write to."""
    tmpfs = service.get("tmpfs") or []
    for place in [tmpfs] if isinstance(tmpfs, str) else tmpfs:
        yield str(place).partition(":")[0]
    for volume in service.get("volumes") or []:
        if isinstance(volume, Mapping):
            yield str(volume.get("target"))
        elif not str(volume).endswith(":ro"):
            source, _colon, target = str(volume).partition(":")
            yield (target or source).partition(":")[0]


def hosts(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The host names in the addresses of the environment, and in its variables that end with HOST."""
    found = set()
    for name, value in environment.items():
        with contextlib.suppress(ValueError):
            found.add(value if name.upper().endswith("HOST") else urlsplit(value).hostname or "")
    return tuple(sorted(name for name in found if _HOST_NAME.fullmatch(name)))


def own_environment(service: Mapping[str, Any]) -> dict[str, str]:
    """The variables that stack_compose_override gives web, whichever of Compose's two forms they have."""
    given = service.get("environment") or {}
    pairs = given.items() if isinstance(given, Mapping) else (str(one).partition("=")[::2] for one in given)
    return {str(name): str(value) for name, value in pairs if value is not None}


def question(
    manage_command: str,
    environment: Mapping[str, str],
    domains: Sequence[str],
    scheme: str,
    paths: Sequence[str],
    celery_app: str = "",
    files: Mapping[str, str] | None = None,
) -> str:
    """What the container reads: the environment, the secret files, and the program with what is asked of it."""
    python, manage = _python_and_manage(manage_command)
    asked = {
        "manage": manage,
        "domains": list(domains),
        "scheme": scheme,
        "health_paths": list(paths),
        "celery_app": celery_app,
    }
    command = [*python, "-c", inspect.getsource(settings_probe), json.dumps(asked)]
    return json.dumps({"environment": dict(environment), "files": dict(files or {}), "command": command})


def _python_and_manage(command: str) -> tuple[list[str], str]:
    """Split the command that runs manage.py: the words that start its Python, and its path."""
    words = shlex.split(command)
    place = next((number for number, word in enumerate(words) if word.endswith(".py")), None)
    if place is None:
        return ["python3"], ""
    before = words[:place]
    if not any(re.fullmatch(r"(.*/)?(python|pypy)[\d.]*", word) for word in before):
        before.append("python3")  # manage.py by itself, or `uv run manage.py`
    return before, words[place]


def scheme(web_command: str) -> str:
    """The scheme of a visitor's request in the eyes of the server, with the stack's FORWARDED_ALLOW_IPS.

    A server that is not known gets the benefit of the doubt.
    """
    words = shlex.split(web_command)
    is_blind = _BLIND & {word.rpartition("/")[2] for word in words} or "--no-proxy-headers" in words
    believes = any(word.startswith(_BELIEVES) for word in words)
    return "http" if is_blind and not believes else "https"


def key(image_id: str, *parts: object) -> str:
    """What an answer depends on, in one word. It is kept with the answer, and tells no secret."""
    text = json.dumps([image_id, inspect.getsource(settings_probe), *parts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def parse(
    output: str, environment: Mapping[str, str], user: str, files: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The answer of a container. Raises ValueError with the reason and the cure where the settings do not load."""
    marked = [line for line in output.splitlines() if line.startswith(settings_probe.MARK)]
    if not marked:
        raise ValueError(
            "stack_manage_command: the project's settings ended the process that read them: let them raise an error"
        )
    answer = dict(json.loads(marked[-1][len(settings_probe.MARK) :]))
    if "error" in answer:
        raise ValueError(_hide(_explain(answer["error"], environment, user), environment, files or {}))
    answer["health_path"] = answer["health"]["path"] or FRONT_PAGE
    answer["note"] = _note(answer)
    for kind in ("static", "media"):
        answer[f"{kind}_location"] = "" if answer[f"{kind}_elsewhere"] else _location(answer[f"{kind}_url"])
    return answer


def _location(url: str) -> str:
    """The path at which Nginx serves a URL. Of another host, such as a CDN that fetches from here, the path counts."""
    parts = urlsplit(url)
    return "" if parts.netloc and parts.path in ("", "/") else parts.path


def kept(cache: str) -> dict[str, Any]:
    """The `profile` in the file `cache`, with its `key`; empty where there is none."""
    try:
        found = dict(json.loads(Path(cache).read_text()))
        return found if {"key", "profile"} <= found.keys() else {}
    except (OSError, ValueError, TypeError):
        return {}


def _note(answer: Mapping[str, Any]) -> str:
    """What to tell the owner of a project in which no health page was found."""
    if answer["health"]["path"]:
        return ""
    unknown = answer["health"]["unknown"]
    why = f"its URLs could not be loaded here ({unknown})" if unknown else "none of these is a page of it"
    return (
        f"The project has no health page that is known ({', '.join(HEALTH_PATHS)}): {why}. So it counts as healthy"
        f" while {FRONT_PAGE} answers below 500. Set stack_health_path to a page that answers 200 if all is well"
    )


def _explain(error: Mapping[str, Any], environment: Mapping[str, str], user: str) -> str:
    """One sentence: what the settings failed with, and what to do."""
    said = f"{error['kind']}: {error['text']}".rstrip(": ")
    if error["kind"] == "SystemExit":
        # Only a number says nothing; what was printed before does.
        said = error["text"] if error["code"] is None else error["said"] or f"they exit with {error['code']}"
    where = f" ({error['where']})" if error["where"] else ""
    return (
        f"The project's settings cannot be loaded{where}: {said.rstrip('.')}. {_cure(error, said, environment, user)}"
    )


def _cure(error: Mapping[str, Any], said: str, environment: Mapping[str, str], user: str) -> str:
    if error["errno"] in _NO_WRITING:
        return (
            f"The project's user {user} may not write to {error['path']} in the image. Log to standard error with"
            f" {STDERR_HANDLER} in LOGGING, or write to a folder that is kept:"
            f" {kept_logs(error['path'])}"
        )
    if error["errno"] == errno.ENOENT and str(error["path"]).startswith(f"{SECRETS}/"):
        return f"Set {posixpath.relpath(error['path'], SECRETS)} in stack_secret_files to the content of that file"
    if library_cure(said):
        return library_cure(said)
    if "run as root" in said:
        return "If it is right to ask for root, set stack_user to 0:0"
    if error["kind"] == "ModuleNotFoundError" and "'django'" in said:
        return "Name the Python that has Django in stack_manage_command, such as /app/.venv/bin/python manage.py"
    if error["kind"] == "ImproperlyConfigured" and "DJANGO_SETTINGS_MODULE" in said:
        return "Set stack_manage_command to the project's manage.py, as seen from the image's working directory"
    if error["kind"] in ("ModuleNotFoundError", "ImportError"):
        return (
            "Add the package to the project's dependencies. If it is the project's own module, set"
            " DJANGO_SETTINGS_MODULE or PYTHONPATH in stack_environment"
        )
    # Also from the name alone, as in KeyError: 'SHOP_TOKEN'.
    words = [*_VARIABLE.findall(said), *_VARIABLE.findall(error["text"].strip("'\""))]
    missing = [word for word in words if word not in environment and word != "DJANGO_SETTINGS_MODULE"]
    if missing:
        return f"Set {missing[0]} in stack_environment, or in stack_secrets if it is a secret"
    return "Correct the settings, or the variable in stack_environment or stack_secrets that they read"


def kept_logs(path: str) -> str:
    """The line that keeps a folder for a log: that of its path, or one of its own beside the project's files."""
    folder = posixpath.dirname(path) if posixpath.splitext(path)[1] else path
    return f"stack_volumes: {{logs: {folder if _LOG_FOLDER.search(folder) else posixpath.join(folder, 'logs')}}}"


def library_cure(said: str) -> str:
    """What to do if an error says that a shared library is missing; empty if it says anything else."""
    if not _NO_LIBRARY.search(said):
        return ""
    example = "[gdal-bin]" if "GDAL" in said else "[libmagic1] for libmagic"
    return (
        f"Name the Debian package that has the library in stack_packages, such as {example}; or install it in the"
        " project's Dockerfile if it has one"
    )


def _hide(text: str, environment: Mapping[str, str], files: Mapping[str, str]) -> str:
    """The text without any value of the environment, any line of a file, or the password of an address there."""
    values = {*environment.values(), *(line.strip() for content in files.values() for line in content.splitlines())}
    for value in list(values):
        try:
            password = urlsplit(value).password or ""
        except ValueError:
            continue
        values |= {password, unquote(password)}
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SHORT:
            text = text.replace(value, "(hidden)")
    return text
