# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask a project's settings what they say, in a container of its image, unless the answer is kept.

Behind the module `project_profile` and its action. Private to this collection.
"""

from __future__ import annotations

import json
import os
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._docker.volumes import SECRETS
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace
from ansible_collections.landfall.django.plugins.module_utils._project import profile
from ansible_collections.landfall.django.plugins.module_utils._secrets.dotenv import load

SPEC: dict[str, dict[str, Any]] = {
    "image": {"type": "str", "required": True},
    "key": {"type": "str", "required": True, "no_log": False},
    "cache": {"type": "str", "default": ""},
    "environment": {"type": "str", "required": True, "no_log": True},
    "files": {"type": "dict", "default": {}, "no_log": True},
    "user": {"type": "str", "required": True},
    "manage_command": {"type": "str", "default": "python3 manage.py"},
    "web_command": {"type": "str", "default": ""},
    "celery_app": {"type": "str", "default": ""},
    "domains": {"type": "list", "elements": "str", "default": []},
    "writable": {"type": "list", "elements": "str", "default": []},
    "service": {"type": "dict", "default": {}},
}


def result(given: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the result of the task with the options of SPEC."""
    cache = given["cache"]
    found = profile.kept(cache)
    if found.get("key") == given["key"]:
        return {"changed": False, "profile": found["profile"]}
    try:
        answer = _answer_of(given)
    except (DockerError, ValueError) as error:
        return {"failed": True, "msg": str(error)}
    if cache and not check_mode:
        os.makedirs(os.path.dirname(cache), mode=0o750, exist_ok=True)
        replace(cache, json.dumps({"key": given["key"], "profile": answer}).encode(), 0o600)
    return {"changed": False, "profile": answer}


def _answer_of(given: dict[str, Any]) -> dict[str, Any]:
    """Ask in a container. Raises ValueError where the settings do not load, DockerError where nothing runs."""
    environment = load(given["environment"])
    files = {name: "" if value is None else str(value) for name, value in given["files"].items()}
    writable = (*given["writable"], *([SECRETS] if files else []))
    environment.update(profile.own_environment(given["service"]))
    hosts = profile.hosts(environment)
    container = profile.Container(given["image"], given["user"], writable, given["service"], hosts)
    scheme = profile.scheme(given["web_command"])
    asked = profile.question(
        given["manage_command"],
        environment,
        given["domains"],
        scheme,
        profile.HEALTH_PATHS,
        given["celery_app"],
        files,
    )
    said = docker(*container.arguments(), timeout=120, given=asked)
    return profile.parse(said, environment, given["user"], files)
