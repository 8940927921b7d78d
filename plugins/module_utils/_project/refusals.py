# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What in a project's settings cannot work in production, by the answer of settings_probe.py. Pure functions.

Private to this collection.
"""

from __future__ import annotations

import os.path
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES, by_name
from ansible_collections.landfall.django.plugins.module_utils._project.profile import (
    STDERR_HANDLER,
    kept_logs,
    library_cure,
)

Answer = Mapping[str, Any]

DEBUG = "debug"
# What stack_accepted can accept. DEBUG is not among it; without manage.py and STATIC_ROOT a release cannot work.
ACCEPTABLE = ("database", "hosts", "https", "logs", "media", "private", "redis")
_SERVERS = {engine.django_vendor for engine in ENGINES.values()} | {"oracle"}
_ENVIRONMENT = 'os.environ.get("{0}", "")'
# A URL of files, as Nginx's configuration takes it. No part begins with a dot, as certbot's challenges do.
_URL = re.compile(r"/([A-Za-z0-9_~@+-][A-Za-z0-9._~@:+-]*/)+")
# Variables of the environment that settings read, by their names.
_READS_DATABASE = re.compile(r"(^|_)(DB|DATABASES?|MYSQL|MARIADB|POSTGRES(QL)?|PG|SQL)")
_READS_HOSTS = re.compile("ALLOWED|HOSTS$|DOMAIN|HOSTNAME|SITE_(URL|ROOT)")
_READS_ORIGINS = re.compile("CSRF|ORIGIN")
# What such a variable of the database is to be set to, by its end.
_VALUES = (
    ("HOST", "stack_database_host"),
    ("PORT", "stack_database_port"),
    ("NAME", "stack_database_name"),
    ("_DB", "stack_database_name"),
    ("_DATABASE", "stack_database_name"),
    ("USER", "stack_database_user"),
    ("PASS", "stack_database_password"),
    ("PASSWORD", "stack_database_password"),
    ("URL", "stack_database_url"),
)
# Options of a database that lead to a server by themselves.
_LEADS = {"dsn", "host", "read_default_file", "read_default_group", "service", "unix_socket"}


@dataclass(frozen=True)
class Stack:
    """What the settings have to fit. An empty path is no folder at all.

    `engine` is the kind of the database's server, empty without one, `database_hosts` are the names that lead to it.
    `kept` are the folders of a container that outlive it; `collects` is whether static files are collected into one.
    """

    manage_command: str = "python3 manage.py"
    engine: str = ""
    database_hosts: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    collects: bool = True
    static_path: str = ""
    media_path: str = ""
    health_path: str = ""
    # The paths of stack_routes.
    routes: tuple[str, ...] = ()


class Problem(NamedTuple):
    """What is wrong and its cure; the kind is what stack_accepted takes."""

    kind: str
    text: str


def problems_of(answer: Answer, stack: Stack) -> list[Problem]:
    """All that is wrong."""
    checks: tuple[Iterable[Problem], ...] = (
        _manage(answer, stack),
        _debug(answer),
        _hosts(answer),
        _https(answer),
        _database(answer, stack),
        _redis(answer),
        _logs(answer),
        _static(answer, stack),
        _media(answer, stack),
        _urls(answer, stack),
        _private(answer, stack),
    )
    return [problem for check in checks for problem in check]


def refusal(problems: Iterable[Problem], accepted: Iterable[str]) -> str:
    """The message that refuses the release, one line a problem; empty where every one is accepted."""
    left = [problem for problem in problems if problem.kind not in accepted]
    if not left:
        return ""
    lines = "".join(f"\n- {problem.text}." for problem in left)
    acceptable = sorted({problem.kind for problem in left} & set(ACCEPTABLE))
    way = f"\nTo deploy all the same, set stack_accepted: [{', '.join(acceptable)}]." if acceptable else ""
    return f"The project's settings do not fit this stack, and no release was begun:{lines}{way}"


def _set(answer: Answer, pattern: re.Pattern[str]) -> str:
    """What to set of the variables that the settings looked for in the environment and did not find."""
    names = [name for name in answer.get("unset", ()) if pattern.search(name)]
    return f"set {' or '.join(names) or 'the variable that they read'} in stack_environment"


def _set_database(answer: Answer) -> str:
    """The same for the database, with the variables that have the values."""
    names = [name for name in answer.get("unset", ()) if _READS_DATABASE.search(name)]
    values = {name: value for name in names for end, value in _VALUES if name.endswith(end)}
    listed = [f"{name} to {values[name]}" if name in values else name for name in names]
    # A password belongs to the secrets. The engine is a word of the project's own.
    return f"set {', '.join(listed) or 'the variable that they read'} in stack_environment or stack_secrets"


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder, or inside it."""
    return bool(path and folder) and os.path.commonpath([path, folder]) == os.path.normpath(folder)


def _manage(answer: Answer, stack: Stack) -> Iterator[Problem]:
    given = next((word for word in shlex.split(stack.manage_command) if word.endswith(".py")), "")
    if given and given != answer["manage"]:
        yield Problem(
            "manage",
            f"stack_manage_command names {given}, which the image does not have. Set it to python3"
            f" {answer['manage'] or 'and the path of manage.py'}",
        )


def _debug(answer: Answer) -> Iterator[Problem]:
    if answer["debug"]:
        value = answer["debug_value"]
        why = "" if value == "True" else f", which is {value}, and Python takes that for true"
        yield Problem(
            DEBUG,
            f'DEBUG is on{why}. Write in the settings: DEBUG = {_ENVIRONMENT.format("DEBUG")} == "True"; and remove'
            " DEBUG from stack_environment and stack_secrets",
        )


def _hosts(answer: Answer) -> Iterator[Problem]:
    if answer["refused_hosts"]:
        wildcard = next((host for host in answer["refused_hosts"] if host.startswith("*")), "")
        form = f" Django writes {wildcard} as {wildcard[1:]}." if wildcard else ""
        yield Problem(
            "hosts",
            f"ALLOWED_HOSTS lacks {', '.join(answer['refused_hosts'])} of stack_domains; it is"
            f" {answer['allowed_hosts']}.{form} Write in the settings: ALLOWED_HOSTS ="
            f' {_ENVIRONMENT.format("ALLOWED_HOSTS")}.split(","); or {_set(answer, _READS_HOSTS)}',
        )


def _https(answer: Answer) -> Iterator[Problem]:
    line = 'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")'
    if not answer["secure"]:
        what = "redirects every visitor in a circle" if answer["ssl_redirect"] else "refuses forms and logins"
        yield Problem(
            "https",
            f"SECURE_PROXY_SSL_HEADER is {answer['proxy_header']}, so the project takes HTTPS for HTTP and {what}."
            f" Write in the settings: {line}",
        )
    elif answer["refused_origins"]:
        yield Problem(
            "https",
            f"CSRF_TRUSTED_ORIGINS lacks https://{answer['refused_origins'][0]}. Write in the settings:"
            f' CSRF_TRUSTED_ORIGINS = {_ENVIRONMENT.format("CSRF_TRUSTED_ORIGINS")}.split(",")'
            f"; or {_set(answer, _READS_ORIGINS)}",
        )


def _database(answer: Answer, stack: Stack) -> Iterator[Problem]:
    found = answer["database"]
    line = 'DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}'
    if found["problem"]:
        yield Problem(
            "database",
            f"DATABASES: {found['problem'].rstrip('.')}."
            f" {library_cure(found['problem']) or 'Add the driver of {engine} to the dependencies'.format(**found)}",
        )
    elif found["vendor"] == "sqlite":
        if stack.engine:
            yield Problem(
                "database",
                f"DATABASES uses SQLite, and stack_database is {stack.engine}. Write in the settings: {line};"
                f" {_set_database(answer)}; or set stack_database: none",
            )
        elif found["name"] and not any(is_below(found["name"], folder) for folder in stack.kept):
            folder = os.path.dirname(found["name"])
            # Over a folder of the code there can be no volume.
            is_code = is_below(answer["private"].get("the settings module", ""), folder)
            where = f"file in {stack.kept[0]}" if stack.kept else "folder that is kept"
            cure = f"Move it to a {where}. Write in the settings: {line}; or {_set_database(answer)}"
            yield Problem(
                "database",
                f"DATABASES has its file in {found['name']}, which ends with each container."
                f" {cure if is_code else f'Set stack_volumes: {{files: {folder}}}'}",
            )
    elif found["vendor"] in _SERVERS:
        yield from _server(answer, stack, line)


def _server(answer: Answer, stack: Stack, line: str) -> Iterator[Problem]:
    found = answer["database"]
    wanted = by_name(stack.engine).django_vendor if stack.engine else ""
    if not wanted:
        if found["host"] not in stack.database_hosts:
            yield Problem(
                "database",
                f"DATABASES uses {found['vendor']} on {found['host'] or 'this host'}, and stack_database is none: set"
                " it to the kind of the database, or to external",
            )
    elif found["vendor"] != wanted:
        yield Problem(
            "database",
            f"DATABASES uses {found['vendor']}, and the database of the stack is {stack.engine}: set stack_database to"
            f" {found['vendor']}, or write in the settings: {line}",
        )
    elif found["host"] not in stack.database_hosts and not _LEADS & set(found["options"]):
        yield Problem(
            "database",
            f"DATABASES has HOST {found['host'] or 'empty'}, and the database of the stack is on"
            f" {stack.database_hosts[0]}. Write in the settings: {line}; or {_set_database(answer)}",
        )


def _redis(answer: Answer) -> Iterator[Problem]:
    caches, queues = answer["redis"]["caches"], answer["redis"]["queues"]
    for cache, place in caches.items():
        same = [queue for queue, other in queues.items() if other == place]
        if same:
            yield Problem(
                "redis",
                f"{cache} and {same[0]} are in one Redis database, so cache.clear() would delete the queued tasks."
                ' Write in the settings, for the cache: "LOCATION": os.environ["CACHE_URL"]',
            )


def _logs(answer: Answer) -> Iterator[Problem]:
    for log in answer["logs"]:
        if not log["writable"]:
            yield Problem(
                "logs",
                f"LOGGING writes to {log['path']}, where nobody may write. Docker keeps what goes to standard error:"
                f' write in LOGGING["handlers"]: "{log["handler"]}": {STDERR_HANDLER}; or write to a folder that is'
                f" kept: {kept_logs(log['path'])}",
            )


def _static(answer: Answer, stack: Stack) -> Iterator[Problem]:
    if stack.collects and answer["collects"] and not answer["static_root"]:
        yield Problem(
            "static",
            'STATIC_ROOT is not set. Write in the settings: STATIC_ROOT = BASE_DIR / "staticfiles"; or set'
            " stack_collectstatic: false",
        )


def _media(answer: Answer, stack: Stack) -> Iterator[Problem]:
    root, path = answer["media_root"], stack.media_path
    if root and path and not is_below(root, path):
        yield Problem(
            "media",
            f"stack_media_path is {path}, and uploads go to MEDIA_ROOT, {root}, which ends with each container. Remove"
            f" stack_media_path, or set it to {root}",
        )


def _urls(answer: Answer, stack: Stack) -> Iterator[Problem]:
    """URLs that would hide pages of the project from its visitors. An empty one is not served by Nginx."""
    static = answer["static_location"] if stack.collects else ""
    media = answer["media_location"] if stack.media_path else ""
    for name, url in (("STATIC_URL", static), ("MEDIA_URL", media)):
        line = f'Write in the settings: {name} = "{name.partition("_")[0].lower()}/"'
        if url and not _URL.fullmatch(url):
            yield Problem("urls", f"{name} is {url}, at which Nginx cannot serve files alone. {line}")
        elif url and stack.health_path.startswith(url):
            yield Problem(
                "urls",
                f"{name} is {url}, so Nginx would serve {stack.health_path} as a file. {line}; or set stack_health_path"
                " to a page of the project",
            )
        elif url and (found := next((path for path in stack.routes if _overlap(path, url)), "")):
            yield Problem(
                "urls", f"stack_routes: the path {found} and {name}, {url}, overlap. Give the route another path"
            )
    for path in stack.routes:
        if stack.health_path.startswith(path):
            yield Problem(
                "urls",
                f"stack_routes: the path {path} covers the health page of web, {stack.health_path}. Give the route"
                " another path",
            )
    if static and static == media:
        yield Problem("urls", f'STATIC_URL and MEDIA_URL are both {media}. Write in the settings: MEDIA_URL = "media/"')


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _private(answer: Answer, stack: Stack) -> Iterator[Problem]:
    served = {"MEDIA_ROOT": stack.media_path}
    if stack.collects and answer["collects"]:
        served["STATIC_ROOT"] = stack.static_path
        served.update({f"STATICFILES_DIRS[{n}]": path for n, path in enumerate(answer["static_folders"])})
    for name, folder in served.items():
        for what, path in answer["private"].items():
            if is_below(path, folder):
                yield Problem(
                    "private",
                    f"{what}, {path}, is in {name}, {folder}, which every visitor can read. Move it out of {folder}, or"
                    f" give {name} a folder of its own",
                )
