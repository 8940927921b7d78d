# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins to registries in docker's config.json.

Private to this collection.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

DOCKER_HUB = "https://index.docker.io/v1/"


def key(registry: str) -> str:
    """Return the name under which docker stores the login of a registry."""
    name = registry.rstrip("/")
    return DOCKER_HUB if name in ("docker.io", "index.docker.io", DOCKER_HUB.rstrip("/")) else name


def with_logins(config: Mapping[str, Any], logins: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """Return a config.json with these logins added, and all else unchanged.

    Raises ValueError where docker would ignore them.
    """
    auths = dict(config.get("auths") or {})
    for login in logins:
        name = key(login["registry"])
        helper = (config.get("credHelpers") or {}).get(name) or config.get("credsStore")
        if helper:
            raise ValueError(
                f"docker reads the login of {name} from its credential helper '{helper}' and not from this file: remove"
                " credHelpers or credsStore from it"
            )
        pair = f"{login['username']}:{login['password']}"
        auths[name] = {**auths.get(name, {}), "auth": base64.b64encode(pair.encode()).decode()}
        # The token of an earlier login would take precedence.
        auths[name].pop("identitytoken", None)
    return {**config, "auths": auths}
