# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container of an image once answered. An id stands for the content of an image, so the answer never changes.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker, inspect
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace


def image_id(image: str) -> str:
    """Return the image's id, by any name it has, a digest too; empty where the host does not have it."""
    return str(facts(image).get("Id", ""))


def facts(image: str) -> dict[str, Any]:
    """Return what Docker says of the image; empty where the host does not have it."""
    try:
        return dict(inspect(image, kind="image")[0])
    except DockerError as error:
        if "no such image" in str(error).lower():
            return {}
        raise


def names(repository: str) -> list[str]:
    """Return the images of a repository, each as name:tag; none where there is no Docker."""
    try:
        return docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository).split()
    except DockerError:  # whoever needs Docker says what is wrong with it
        return []


def answer(cache: str, identity: str, modules: Collection[str]) -> dict[str, Any]:
    """Return the answer about this image and these Python modules; empty where the cache does not have it."""
    found = _read(cache)
    same = (found.get("id"), found.get("modules")) == (identity, sorted(set(modules)))
    return dict(found["answer"]) if same else {}


def last(cache: str) -> dict[str, Any]:
    """Return the name, the id and the modules of the image in the cache, with the answer; empty if it is gone."""
    found = _read(cache)
    try:
        if not found or image_id(found["image"]) != found["id"]:
            return {}
    except DockerError:  # whoever needs Docker says what is wrong with it
        return {}
    return {**found["answer"], "name": found["image"], "id": found["id"], "modules": found["modules"]}


def keep(cache: str, image: str, identity: str, modules: Collection[str], said: dict[str, Any]) -> None:
    """Write the answer into the cache. If that fails, the next run asks again."""
    found = {"image": image, "id": identity, "modules": sorted(set(modules)), "answer": said}
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(cache), mode=0o750, exist_ok=True)
        replace(cache, json.dumps(found).encode(), 0o644)


def _read(cache: str) -> dict[str, Any]:
    try:
        found = dict(json.loads(Path(cache).read_text()))
        return found if {"image", "id", "modules", "answer"} <= found.keys() else {}
    except (OSError, ValueError, TypeError):
        return {}
