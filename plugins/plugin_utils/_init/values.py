# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turn what was found in a project into variables, each with where it comes from, and questions.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._database.engines import DEFAULT, ENGINES
from ansible_collections.landfall.django.plugins.module_utils._project.profile import HEALTH_PATHS
from ansible_collections.landfall.django.plugins.plugin_utils._init import dependencies, web
from ansible_collections.landfall.django.plugins.plugin_utils._init.environment import Setting, environment_of
from ansible_collections.landfall.django.plugins.plugin_utils._init.project import Project
from ansible_collections.landfall.django.plugins.plugin_utils._init.tree import is_plain


@dataclass(frozen=True)
class Entry:
    """One variable and its comment. An open one is a question: it is commented out."""

    name: str
    value: Any
    comment: str
    is_open: bool = False
    is_needed: bool = False  # the site cannot be deployed while it is open


@dataclass(frozen=True)
class Given:
    """What the user says when calling the playbook."""

    environment: str = "production"
    name: str = ""
    host: str = ""
    user: str = ""
    domains: list[str] = field(default_factory=list)
    email: str = ""


@dataclass(frozen=True)
class Plan:
    """What is to be written for one environment, and what the user is to change in the project."""

    given: Given
    name: str
    sections: list[tuple[str, list[Entry]]]
    environment: list[Setting]
    remarks: list[str]

    @property
    def needed(self) -> list[str]:
        """The variables that are open, and without which the site cannot be deployed."""
        entries = [entry.name for _title, entries in self.sections for entry in entries if entry.is_needed]
        return entries + [setting.name for setting in self.environment if setting.is_open]


def plan(project: Project, given: Given, defaults: Mapping[str, Any]) -> Plan:
    """Return the variables of the role stack to write. What has its default anyway is left out."""
    name = stack_name(project, given)
    sections = [
        ("The site", list(_site(given, name))),
        ("The source", list(_source(project))),
        ("How it runs", [*_processes(project), *_image(project)]),
        ("Database and Redis", list(_services(project, defaults))),
        ("Files and pages", list(_files(project))),
    ]
    kept = [(title, [entry for entry in entries if _differs(entry, defaults)]) for title, entries in sections]
    return Plan(given, name, [section for section in kept if section[1]], environment_of(project), _remarks(project))


def _differs(entry: Entry, defaults: Mapping[str, Any]) -> bool:
    # The choice for good, so it is shown even where it is the default.
    return entry.is_open or entry.name == "stack_database" or defaults.get(entry.name, ...) != entry.value


def stack_name(project: Project, given: Given) -> str:
    """Return a name that the role accepts, from the folder's. Two environments on one host need two names."""
    name = given.name or re.sub(r"[^a-z0-9]+", "-", PurePosixPath(project.tree.root).name.lower()).strip("-")
    if not re.match(r"[a-z]", name):
        name = f"site-{name}".strip("-")
    if not given.name and given.environment != "production":
        name = f"{name[: 39 - len(given.environment)].rstrip('-')}-{given.environment}"
    return "nginx-site" if name == "nginx" else name[:40].rstrip("-")


def _site(given: Given, name: str) -> Iterator[Entry]:
    yield Entry("stack_name", name, "Name of the site on its host. It cannot be changed after the first deployment.")
    if given.domains:
        yield Entry("stack_domains", given.domains, "From init_domains.")
    else:
        question = "Which host names does the site have? Their DNS records must point to the host."
        yield Entry("stack_domains", ["www.example.com"], question, is_open=True, is_needed=True)
    if given.email:
        yield Entry("letsencrypt_email", given.email, "From init_email.")
    else:
        question = "Which address may Let's Encrypt write to? Optional."
        yield Entry("letsencrypt_email", "ops@example.com", question, is_open=True)


def _source(project: Project) -> Iterator[Entry]:
    top = "{{ inventory_dir | dirname | dirname }}"
    folder = f"{top}/{project.base}" if project.base else top
    holds = project.lock or (project.dockerfile.path if project.dockerfile else project.manage)
    yield Entry("stack_project_dir", folder, f"The folder of this machine that holds {holds}, with what is not pushed.")
    if not project.remote or project.base:
        return
    question = (
        f"Or deploy what is pushed? Then remove stack_project_dir. From {project.remote.where}. A private repository"
        " needs a deploy key: stack_git_key_file."
    )
    yield Entry("stack_git_repository", project.remote.value, question, is_open=True)
    if project.branch:
        question = f"The branch that is checked out: {project.branch.where}."
        yield Entry("stack_git_version", project.branch.value, question, is_open=True)


def _processes(project: Project) -> Iterator[Entry]:
    if project.wsgi:
        yield Entry("stack_wsgi_application", project.wsgi.value, project.wsgi.where)
    else:
        needed = not (project.dockerfile and project.dockerfile.command)
        question = "Which WSGI application, as module:callable? No WSGI_APPLICATION and no wsgi.py was found."
        yield Entry("stack_wsgi_application", "project.wsgi:application", question, is_open=True, is_needed=needed)
    yield from _web_command(project)
    if project.code != project.workdir:
        inner = project.code.removeprefix(f"{project.workdir.rstrip('/')}/")
        yield Entry("stack_manage_command", f"python3 {inner}/manage.py", project.manage)
    if project.celery:
        yield Entry("stack_celery_app", project.celery.value, f"{project.celery.where}. Starts a worker and beat.")
        if not project.schedule:
            question = "Is the worker enough? No schedule for beat was found."
            worker = f"celery --app={project.celery.value} worker --loglevel=INFO --concurrency=2"
            yield Entry("stack_processes", {"celery": worker}, question, is_open=True)


def _web_command(project: Project) -> Iterator[Entry]:
    dockerfile = project.dockerfile
    server = next((name for name in web.ASGI_SERVERS if name in project.packages), "")
    if project.asgi and server and "ASGI_APPLICATION" in project.settings.options:
        served = web.ASGI_SERVERS[server].format(application=project.asgi.value, port="{{ stack_port }}")
        where = f"{project.asgi.where} and {project.packages[server]}"
        yield Entry("stack_web_command", served, f"The project is served by ASGI: {where}.")
        return
    command = dockerfile.command if dockerfile and "gunicorn" not in project.packages else None
    if dockerfile and command and "runserver" not in command.value:
        yield Entry("stack_web_command", "", f"The image's own command: {command.where}.")
        if dockerfile.port:
            yield Entry("stack_port", dockerfile.port.value, dockerfile.port.where)


def _image(project: Project) -> Iterator[Entry]:
    if project.dockerfile:
        return
    elsewhere = [path for path in web.dockerfiles_elsewhere(project.tree, project.base) if is_plain(path)]
    if elsewhere:
        question = f"Build with a Dockerfile of the project? Found: {', '.join(elsewhere[:5])}."
        yield Entry("stack_dockerfile", elsewhere[0], question, is_open=True)


def _services(project: Project, defaults: Mapping[str, Any]) -> Iterator[Entry]:
    kinds = project.databases
    if len(kinds) == 1:
        yield Entry(
            "stack_database", kinds[0].value, f"{kinds[0].where}. It cannot be changed after the first deployment."
        )
    else:
        has = ", ".join(f"{kind.value} ({kind.where})" for kind in kinds)
        found = f"The project names {has}." if kinds else "Neither the settings nor the dependencies tell."
        question = f"Which database: {', '.join(ENGINES)}, external or none (SQLite)? {found}"
        default = kinds[0].value if kinds else defaults.get("stack_database", DEFAULT)
        yield Entry("stack_database", default, question, is_open=True, is_needed=True)
    if not project.redis and not project.celery:
        yield Entry("stack_redis", False, "Neither the settings nor the dependencies name Redis.")


def _files(project: Project) -> Iterator[Entry]:
    """What the release cannot find out by asking the project itself."""
    settings = project.settings
    if settings.options and not settings.unparsed and "STATIC_ROOT" not in settings.options:
        yield Entry("stack_collectstatic", False, "The settings have no STATIC_ROOT. Remove this once they have.")
    if project.health and project.health.value not in HEALTH_PATHS:
        yield Entry("stack_health_path", project.health.value, project.health.where)


def _remarks(project: Project) -> list[str]:
    """What the project itself should change, one sentence each."""
    settings = project.settings
    remarks = [f"{path}: it cannot be parsed as Python, and was not looked at." for path in settings.unparsed]
    if not project.settings_module:
        remarks.append(f"{project.manage}: its settings module was not found; settings were not looked at.")
    if settings.value("DEBUG") is True:
        remarks.append(
            f"{settings.where('DEBUG')}: DEBUG is always True: read it from the environment, False by default."
        )
    if isinstance(settings.value("SECRET_KEY"), str):
        remarks.append(f"{settings.where('SECRET_KEY')}: SECRET_KEY is in the code: read it from the environment.")
    hosts = settings.value("ALLOWED_HOSTS")
    if isinstance(hosts, list) and all(isinstance(host, str) for host in hosts) and "*" not in hosts:
        remarks.append(f"{settings.where('ALLOWED_HOSTS')}: ALLOWED_HOSTS is in the code: it must have all domains.")
    databases = settings.value("DATABASES")
    one = databases.get("default") if isinstance(databases, dict) else None
    if (
        isinstance(one, dict)
        and "sqlite" in str(one.get("ENGINE"))
        and isinstance(one.get("NAME"), (str, PurePosixPath))
    ):
        remarks.append(
            f"{settings.where('DATABASES')}: the SQLite file is in the image, so that each release begins with an"
            " empty one: read DATABASE_URL from the environment, or name a file in /var/lib/django."
        )
    if settings.options and "STATIC_ROOT" not in settings.options:
        remarks.append(f"{settings.files[0]}: STATIC_ROOT is missing: the site has no style sheets without it.")
    if not project.lock and not project.dockerfile:
        names = ", ".join(dependencies.LOCKS)
        remarks.append(f"There is neither a Dockerfile nor one of {names}: add one, with all that the project needs.")
    return [remark for remark in remarks if remark.isprintable()]
