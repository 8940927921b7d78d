# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at a whole project: everything about it that can be found without executing it.

Private to this collection.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.landfall.django.plugins.plugin_utils._init import dependencies, services, settings, web
from ansible_collections.landfall.django.plugins.plugin_utils._init.tree import Found, Tree, beneath, folder_of, found


@dataclass(frozen=True)
class Project:
    """What was found. Paths are relative to the looked-at folder, or absolute in the image."""

    tree: Tree
    manage: str
    folder: str  # of manage.py
    base: str  # what is built: the folder of the lock file or Dockerfile
    workdir: str  # of the image
    code: str  # the folder of manage.py in the image
    lock: str
    packages: dict[str, str]
    dockerfile: web.Dockerfile | None
    default_settings: Found | None
    settings_module: Found | None
    settings: settings.Settings
    wsgi: Found | None
    asgi: Found | None
    celery: Found | None
    schedule: Found | None
    databases: list[Found]
    redis: Found | None
    health: Found | None
    remote: Found | None
    branch: Found | None


def look(tree: Tree, environment: str = "production", manage: str = "") -> Project:
    """Return what a project is like. Raises NotFoundError where it is none."""
    manage = settings.manage_file(tree, manage)
    folder = folder_of(manage)
    base = _base(tree, folder)
    dockerfile = web.dockerfile(tree, beneath(base, "Dockerfile"))
    inner = folder[len(base) :].lstrip("/")
    workdir = dockerfile.workdir if dockerfile else "/app"
    place = dockerfile.place_of(inner) if dockerfile else f"/app/{inner}".rstrip("/")
    default = settings.default_module(tree, manage) or settings.guessed_module(tree, folder)
    chosen = _settings_module(tree, folder, environment, default, dockerfile)
    read = settings.Settings(tree, folder, chosen.value if chosen else "", place)
    packages = dependencies.packages(tree, base)
    celery = services.celery(tree, folder)
    celery_files = [celery.where.rpartition(":")[0]] if celery else []
    return Project(
        tree=tree,
        manage=manage,
        folder=folder,
        base=base,
        workdir=workdir,
        code=place,
        lock=dependencies.lock_file(tree, base),
        packages=packages,
        dockerfile=dockerfile,
        default_settings=default,
        settings_module=chosen,
        settings=read,
        wsgi=web.application(tree, folder, read, "wsgi"),
        asgi=web.application(tree, folder, read, "asgi"),
        celery=celery,
        schedule=services.schedule(tree, read, packages, [*read.files, *celery_files]),
        databases=services.database(read, packages),
        redis=services.redis(read, packages, tree),
        health=web.health_path(web.urls(tree, folder, read)),
        remote=services.git_remote(tree),
        branch=services.git_branch(tree),
    )


def _base(tree: Tree, folder: str) -> str:
    """The uppermost folder that has a lock file or a Dockerfile, among those that manage.py is in."""
    parts = folder.split("/") if folder else []
    for number in range(len(parts) + 1):
        base = "/".join(parts[:number])
        if dependencies.lock_file(tree, base) or tree.has(beneath(base, "Dockerfile")):
            return base
    return ""


def _settings_module(
    tree: Tree, folder: str, environment: str, default: Found | None, dockerfile: web.Dockerfile | None
) -> Found | None:
    if dockerfile and dockerfile.settings:
        return dockerfile.settings
    own = settings.production_module(tree, folder, default.value, environment) if default else None
    return own or (found(default.value, default.where) if default else None)
