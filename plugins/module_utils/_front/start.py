# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start the front with the image of its holder.

Behind the module `front` and its action. Private to this collection.
"""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._files.lock import HeldError
from ansible_collections.landfall.django.plugins.module_utils._front.nginx import Front
from ansible_collections.landfall.django.plugins.module_utils._front.up import up

SPEC: dict[str, dict[str, Any]] = {
    # The host's path: the action must not expand it on the controller.
    "root": {"type": "str", "default": "/srv/nginx"},
    "edge_image": {"type": "str", "required": True},
    "edge_image_from": {"type": "str", "required": True},
}


def result(given: dict[str, Any], check_mode: bool) -> dict[str, Any]:  # noqa: ARG001 - nobody calls it in check mode
    """Return the result of the task with the options of SPEC."""
    name, source = given["edge_image"], given["edge_image_from"]
    try:
        if not docker("image", "ls", "--quiet", name).strip():
            if not docker("image", "ls", "--quiet", source).strip():
                docker("pull", "--quiet", source)
            docker("tag", source, name)
        done = up(Front(os.path.expanduser(os.path.expandvars(given["root"]))))
    except (DockerError, HeldError, OSError) as error:
        return {"failed": True, "msg": str(error)}
    return {"changed": bool(done), "done": done}
