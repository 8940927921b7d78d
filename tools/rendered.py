"""Renders what the roles generate, as a run would, for linters that read no templates.

Usage: rendered.py DIR    writes the Dockerfiles and the Compose files there
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar

try:
    from ansible.template import trust_as_template

    TRUSTED = {"trusted_as_template": True}
except ImportError:  # ansible-core 2.18 trusts every text
    TRUSTED = {}

    def trust_as_template(value: str) -> str:
        return value


ROOT = Path(__file__).resolve().parent.parent
HASHED = "django==5.2 --hash=sha256:00\n"
# Projects of each kind, by the names and texts of the files that decide.
PROJECTS: dict[str, dict[str, str]] = {
    "uv.lock": {"manage.py": "", "uv.lock": "", "pyproject.toml": ""},
    "poetry.lock": {"manage.py": "", "poetry.lock": "", "pyproject.toml": ""},
    "Pipfile.lock": {"manage.py": "", "Pipfile.lock": "{}", "Pipfile": ""},
    "requirements.txt": {"manage.py": "", "requirements.txt": HASHED},
    "pylock.toml": {"manage.py": "", "pylock.toml": ""},
    "subfolder": {
        "backend/manage.py": "",
        "backend/requirements.txt": "-r requirements/base.txt\n-e ./libs/tools\n",
        "backend/requirements/base.txt": HASHED,
        "backend/locale/de/LC_MESSAGES/django.po": "",
        "frontend/package.json": '{"scripts": {"build": "vite build"}}',
        "frontend/package-lock.json": "",
    },
}
SHOP = {
    "stack_name": "shop",
    "stack_domains": ["shop.example.com"],
    "stack_project_dir": "/shop",
    "stack_wsgi_application": "shop.wsgi:application",
    "stack_celery_app": "shop",
}
# What a run finds out.
FOUND = {
    "__stack_preflight": {"engine": "29.0.0"},
    "__nginx_preflight": {"engine": "29.0.0"},
    "__stack_image_probe": {"id": f"sha256:{'0' * 64}", "uid": 10001, "gid": 10001, "workdir": "/app"},
    "__stack_image_tag": "0" * 12,
}


@functools.cache
def know_plugins() -> None:
    with warnings.catch_warnings():
        # A test runner may have made the collections known already.
        warnings.simplefilter("ignore")
        init_plugin_loader([])


def templar(role: str, variables: Mapping[str, Any]) -> Templar:
    """What templates with a role's defaults, as far as the variables do not say otherwise."""
    know_plugins()
    folder = ROOT / "roles" / role
    loader = DataLoader()
    loader.set_basedir(str(ROOT / "playbooks"))
    known: dict[str, Any] = {"role_path": str(folder), "playbook_dir": str(ROOT / "playbooks")}
    for name in ("defaults", "vars"):
        known |= loader.load_from_file(str(folder / name / "main.yml"), **TRUSTED)
    known |= {"ansible_check_mode": False, **SHOP, **FOUND, **variables}
    return Templar(loader, known)


def rendered(role: str, template: str, variables: Mapping[str, Any]) -> str:
    """A template of the role."""
    text = trust_as_template((ROOT / template).read_text())
    # As the lookup template does it. Elsewhere, nobody defines ansible_managed.
    overrides = {"trim_blocks": True, "keep_trailing_newline": True}
    given = {"ansible_managed": "Ansible managed", **variables}
    return str(templar(role, given).template(text, overrides=overrides))


def variable(role: str, name: str, variables: Mapping[str, Any]) -> Any:
    """The value that a variable of the role has."""
    return templar(role, variables).template(trust_as_template(f"{{{{ {name} }}}}"))


def dockerfile(project: Mapping[str, str], **variables: Any) -> str:
    """The Dockerfile of a project, given by its files' names and texts."""
    know_plugins()
    # Ansible's own importer has to be there first.
    from ansible_collections.landfall.django.plugins.module_utils._project import build

    given = variable("stack", "__stack_build_wanted", variables)
    wanted = build.Wanted(**{name: value for name, value in given.items() if value})
    source = {"build": asdict(build.plan(wanted, project, project.get)), "context": "", "digest": "0" * 64}
    return rendered("stack", "templates/Dockerfile.j2", {"__stack_source": source, **variables})


def files() -> Iterator[tuple[str, str]]:
    for name, project in PROJECTS.items():
        yield f"{name}/Dockerfile", dockerfile(project)
    yield "stack/compose.yaml", rendered("stack", "templates/compose.yaml.j2", {})
    yield "front/compose.yaml", rendered("nginx", "roles/nginx/templates/compose.yaml.j2", {})


def main() -> int:
    for name, text in files():
        file = Path(sys.argv[1]) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
