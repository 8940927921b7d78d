# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The logins in docker's config.json.

Private to this collection.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

DOCKER_HUB = "https://index.docker.io/v1/"


def key(registry: str) -> str:
    """The name under which docker keeps a registry."""
    name = registry.rstrip("/")
    return DOCKER_HUB if name in ("docker.io", "index.docker.io", DOCKER_HUB.rstrip("/")) else name


def with_logins(config: Mapping[str, Any], logins: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """A config.json with these logins, and everything else unchanged.

    Raises ValueError if docker would not read them.
    """
    auths = dict(config.get("auths") or {})
    for login in logins:
        name = key(login["registry"])
        helper = (config.get("credHelpers") or {}).get(name) or config.get("credsStore")
        if helper:
            raise ValueError(
                f"docker reads the login for {name} from its credential helper '{helper}', not from this file"
            )
        pair = f"{login['username']}:{login['password']}"
        auths[name] = {**auths.get(name, {}), "auth": base64.b64encode(pair.encode()).decode()}
        # A token of an earlier login would take precedence.
        auths[name].pop("identitytoken", None)
    return {**config, "auths": auths}
