# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the variables of a stack. One sentence a problem: the variable, the fault, the cure.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._database.engines import DEFAULT, ENGINES
from ansible_collections.landfall.django.plugins.module_utils._docker import users
from ansible_collections.landfall.django.plugins.module_utils._preflight import (
    alarms,
    backup,
    certificate,
    database,
    docker,
    front,
    jobs,
    numbers,
    processes,
    routes,
    syntax,
    volumes,
)
from ansible_collections.landfall.django.plugins.module_utils._sizes import sizes

Values = Mapping[str, Any]

SOURCES = ("stack_git_repository", "stack_project_dir", "stack_image")

_CHANGED_IN_2008 = re.compile("[\u00df\u03c2\u200c\u200d]")
# What would refuse or redirect a release's own request.
_CLOSING = ("nginx_site_canonical_domain", "nginx_site_passwords", "nginx_site_allowed")
_STACK_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FILES = "stack_secret_files"
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_MODULE = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"
# As apt-get takes it, with a version or an architecture.
_DEBIAN_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?(=[A-Za-z0-9.+:~-]+)?")
# The files in roles/stack/files/tools.
_INSTALLED = {"uv", "poetry", "pipenv", "gunicorn", "packaging", "mysqlclient", "psycopg2"}
_WSGI = re.compile(_MODULE + r":[A-Za-z_]\w*(\.\w+|\(.*\))?")
_CELERY = re.compile(_MODULE + r"(:[A-Za-z_]\w*)?")


def problems_of(values: Values, path_of: Callable[[str], Path]) -> list[str]:
    """All that is wrong; `path_of` tells where a path of the controller leads."""
    checks: tuple[Iterable[str], ...] = (
        _stack_name(values),
        _domains(values),
        _source(values),
        _python_names(values),
        database.problems_of(values),
        _containers(values),
        sizes.problems_of(values.get("stack_sizes") or {}, ENGINES.get(str(values.get("stack_database", DEFAULT)))),
        numbers.problems_of(values),
        _ports(values),
        _fallbacks(values),
        _paths(values),
        _controller_files(values, path_of),
        _build(values),
        processes.problems_of(values),
        jobs.problems_of(values),
        alarms.problems_of(values),
        routes.problems_of(values),
        volumes.problems_of(values),
        backup.problems_of(values),
        docker.problems_of(values),
        _front(values),
    )
    # The front's numbers are among all numbers, too.
    return list(dict.fromkeys(problem for check in checks for problem in check))


def is_development(values: Values) -> bool:
    return values.get("stack_mode") == "development"


def uses_front(values: Values) -> bool:
    """A stack in production is served by the host's Nginx, unless stack_nginx_root is set to nothing."""
    return not is_development(values) and values.get("stack_nginx_root", "/srv/nginx") != ""


def environment_problems(name: str, value: Any) -> Iterator[str]:
    """What is wrong with a dictionary that becomes environment variables, build arguments or files.

    No value is repeated.
    """
    if not isinstance(value, Mapping):
        yield f"{name}: it is not a dictionary: write one line a setting, as NAME: value."
        return
    for key, item in value.items():
        if name == FILES:
            if not _FILE_NAME.fullmatch(str(key)):
                yield (
                    f"{name}: '{key}' is not the name of a file in /run/secrets: use up to 100 letters, digits and _.-,"
                    " no / and no dot or hyphen at the beginning."
                )
        elif not _ENVIRONMENT_NAME.fullmatch(str(key)):
            yield (
                f"{name}: '{key}' is not the name of an environment variable: use letters, digits and _ only, "
                "and no digit at the beginning."
            )
        if isinstance(item, (Mapping, list, tuple, set)):
            yield (
                f"{name}: {key} is a dictionary or a list, and only a text can be its value: put it in quotes, or"
                ' write "{{ … | to_json }}"; before ansible-core 2.19, "{{ … | string }}" for what is JSON already.'
            )
        elif "\0" in str(item) and name != FILES:
            yield f"{name}: {key} has a NUL character in it, which no environment can hold: remove it."


def _stack_name(values: Values) -> Iterator[str]:
    name = values.get("stack_name")
    if name is None:  # something else is wrong with it, and has been said
        return
    if not name:
        yield "stack_name: it is not set: give the stack a short name, such as shop."
    elif name == "nginx":
        yield "stack_name: 'nginx' is the name of the host's own Nginx: choose another, such as shop."
    elif not _STACK_NAME.fullmatch(name):
        yield (
            f"stack_name: '{name}' is not a usable name: give up to 40 lower-case letters, digits and hyphens, "
            "beginning with a letter, such as shop."
        )


def _front(values: Values) -> Iterator[str]:
    if not uses_front(values):
        return
    made, used = (str(values.get(name) or "").rstrip("/") for name in ("nginx_root", "stack_nginx_root"))
    if made and used and made != used:
        yield (
            f"stack_nginx_root: '{used}' is not nginx_root, '{made}', where the role nginx puts the front: set "
            "nginx_root alone."
        )
    given = dict(values)
    # By default they are the stack's, of which all has been said.
    for name in ("nginx_site_domains", "letsencrypt_domains"):
        if given.get(name) == given.get("stack_domains"):
            given.pop(name, None)
    yield from front.problems_of(given)
    closed = [name for name in _CLOSING if values.get(name)]
    if closed and values.get("nginx_site_health_path") == "":
        yield (
            f"nginx_site_health_path: it is empty, but with {' and '.join(closed)} only that path is open to a "
            "release's health check: leave the variable out."
        )
    yield from certificate.problems_of(given)


def _domains(values: Values) -> Iterator[str]:
    domains = [str(domain) for domain in values.get("stack_domains") or []]
    if not domains and not is_development(values) and "stack_domains" in values:
        yield "stack_domains: it is empty: list the host names of the site, such as [shop.example.com]."
    is_proven = any(values.get(name) for name in ("letsencrypt_dns", "nginx_site_certificate_file"))
    yield from certificate.wildcard_problems("stack_domains", domains, is_proven or not uses_front(values))
    for domain in domains:
        if not (syntax.is_host_name(domain) or syntax.is_wildcard(domain)):
            yield f"stack_domains: '{domain}' is not a host name: {_domain_cure(domain)}."
    for domain in sorted({domain for domain in domains if domains.count(domain) > 1}):
        yield f"stack_domains: '{domain}' is in the list more than once: keep one."


def _domain_cure(domain: str) -> str:
    """What to write instead."""
    if "*" in domain:
        return "a wildcard stands for the whole first label, as in *.example.com"
    alone = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", domain.strip())
    alone = re.split(r"[/?#]", alone.rpartition("@")[2])[0]
    alone = re.sub(r":\d*$", "", alone).rstrip(".").lower()
    if not alone.isascii():
        try:
            # Python's codec is of 2003, which made other names of these characters.
            alone = "" if _CHANGED_IN_2008.search(alone) else alone.encode("idna").decode("ascii")
        except UnicodeError:
            alone = ""
        if not alone:
            return "give an international name in its ASCII form (punycode), such as xn--mller-kva.example"
        if syntax.is_host_name(alone):
            return f"give an international name in its ASCII form (punycode), {alone}"
    if syntax.is_host_name(alone):
        return f"give the name alone and in lower case, such as {alone}" if alone != domain else "give another"
    if "_" in alone:
        return "a host name has no underscore, use a hyphen"
    if re.fullmatch(r"[0-9.]+|[0-9a-f:\[\]]+", alone):
        return "give a name that leads to the host instead of an address, such as shop.example.com"
    return "give the full name, such as shop.example.com"


def _source(values: Values) -> Iterator[str]:
    given = [name for name in SOURCES if values.get(name)]
    if not given and all(name in values for name in SOURCES):
        yield (
            f"{SOURCES[0]}, {SOURCES[1]}, {SOURCES[2]}: none is set: set the one that tells where the project is: "
            "a git repository, a folder on this machine, or a ready image."
        )
    elif len(given) > 1:
        yield f"{' and '.join(given)} are both set: keep the one that the project is to come from."


def _python_names(values: Values) -> Iterator[str]:
    wsgi, celery = values.get("stack_wsgi_application"), values.get("stack_celery_app")
    if wsgi and not _WSGI.fullmatch(wsgi):
        yield f"stack_wsgi_application: '{wsgi}' is not module.path:callable: write it as in shop.wsgi:application."
    if celery and not _CELERY.fullmatch(celery):
        yield f"stack_celery_app: '{celery}' is not the name of a Python module: write it as celery --app takes it."


def _containers(values: Values) -> Iterator[str]:
    user = values.get("stack_user")
    if user and not syntax.is_user_and_group(user):
        yield f"stack_user: '{user}' is not a user and a group: give both as numbers, such as 1000:1000."
    elif user and (owner := users.service_of(user)):
        yield f"stack_user: {user} is the number of {owner}, which nobody may share: give another, such as 10001:10001."
    override = values.get("stack_compose_override") or {}
    if not isinstance(override.get("services", {}), Mapping):
        yield "stack_compose_override: its services are not a dictionary: write them as in a compose.yaml."


def _ports(values: Values) -> Iterator[str]:
    if "nginx_http_port" in values and values["nginx_http_port"] == values.get("nginx_https_port"):
        yield f"nginx_http_port and nginx_https_port are both {values['nginx_http_port']}: give each its own port."


def _fallbacks(values: Values) -> Iterator[str]:
    if any("," in key for key in values.get("stack_secret_key_fallbacks") or []):
        yield (
            "stack_secret_key_fallbacks: a key has a comma in it, and the project gets them with commas between: leave "
            "that key out."
        )


def _paths(values: Values) -> Iterator[str]:
    health = values.get("stack_health_path")
    if health is not None and not syntax.is_url_path(health):
        yield f"stack_health_path: '{health}' is not the path of a URL: begin it with /, as in /health/."
    for name in ("stack_root", "stack_nginx_root", "nginx_root"):
        if values.get(name) and not values[name].startswith("/"):
            yield f"{name}: '{values[name]}' is not an absolute path on the host: begin it with /."
    # In a Compose file and in Nginx's these would end the path, or mean something else.
    for name in ("stack_root", "stack_nginx_root", "nginx_root", "stack_static_path", "stack_media_path"):
        if values.get(name) and not syntax.is_host_path(values[name]):
            yield f"{name}: '{values[name]}' has characters that a path here cannot have: use letters, digits and ._-/."


def _controller_files(values: Values, path_of: Callable[[str], Path]) -> Iterator[str]:
    def missing(name: str, path: str, exists: Callable[[Path], bool], kind: str) -> Iterator[str]:
        if not exists(path_of(path)):
            yield f"{name}: there is no {kind} {path_of(path)} on this machine: correct the path, or make it."

    folder = values.get("stack_project_dir")
    if folder:
        yield from missing("stack_project_dir", folder, Path.is_dir, "folder")
        if path_of(folder).is_dir() and not any(path_of(folder).iterdir()):
            yield f"stack_project_dir: the folder {path_of(folder)} is empty: give the one that holds the project."
        if not values.get("stack_web_command", True) and not _has_dockerfile(path_of(folder), values):
            yield (
                "stack_wsgi_application: it is not set, and the project has no Dockerfile that would start a server: "
                "give it, as in shop.wsgi:application, or a stack_web_command."
            )
    for path in values.get("stack_template_dirs") or []:
        yield from missing("stack_template_dirs", str(path), Path.is_dir, "folder")
    for name in ("stack_git_key_file", "stack_database_ca_file", "letsencrypt_ca_bundle"):
        if values.get(name):
            yield from missing(name, values[name], Path.is_file, "file")


def _has_dockerfile(folder: Path, values: Values) -> bool:
    context = folder / str(values.get("stack_project_subdir", "")).lstrip("/")
    return context.joinpath(str(values.get("stack_dockerfile", "Dockerfile"))).is_file()


def _build(values: Values) -> Iterator[str]:
    for name in ("stack_project_subdir", "stack_requirements_file", "stack_dockerfile"):
        path = str(values.get(name) or "")
        if path.startswith("/") or ".." in path.split("/"):
            yield f"{name}: '{path}' is not a path inside the project: write it relative to the project, without '..'."
    for package in values.get("stack_packages") or []:
        if not _DEBIAN_PACKAGE.fullmatch(str(package)):
            yield f"stack_packages: '{package}' is not the name of a Debian package: write it as in [gdal-bin]."
    for name in sorted(set(values.get("stack_build_secrets") or {}) & _INSTALLED):
        yield f"stack_build_secrets: '{name}' is the name of a file that the build itself uses: choose another name."
