# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What docker's config.json holds for registries that ask who one is.

Private to this collection.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

DOCKER_HUB = "https://index.docker.io/v1/"


def key(registry: str) -> str:
    """The name that docker looks a registry up by."""
    name = registry.rstrip("/")
    return DOCKER_HUB if name in ("docker.io", "index.docker.io", DOCKER_HUB.rstrip("/")) else name


def with_logins(config: Mapping[str, Any], logins: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """A config.json with these logins, and all else as it was.

    Raises ValueError where docker would not look at them.
    """
    auths = dict(config.get("auths") or {})
    for login in logins:
        name = key(login["registry"])
        helper = (config.get("credHelpers") or {}).get(name) or config.get("credsStore")
        if helper:
            raise ValueError(f"docker asks its credential helper '{helper}' for {name} and not this file")
        pair = f"{login['username']}:{login['password']}"
        auths[name] = {**auths.get(name, {}), "auth": base64.b64encode(pair.encode()).decode()}
        # One that a login by token left would win.
        auths[name].pop("identitytoken", None)
    return {**config, "auths": auths}
