# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Give the front's Nginx the certificates and keys of its sites, and a temporary one to a site that has none.

Behind the module `front_certificate` and its action. Private to this collection.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._commands.run import run
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace
from ansible_collections.landfall.django.plugins.module_utils._front import certificate

SPEC: dict[str, dict[str, Any]] = {
    # The host's path: the action must not expand it on the controller.
    "root": {"type": "str", "default": "/srv/nginx"},
    "site": {"type": "str", "default": ""},
    "domains": {"type": "list", "elements": "str", "default": []},
    "group": {"type": "int", "required": True},
}


def result(given: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the result of the task with the options of SPEC."""
    root, site, group = Path(os.path.expanduser(os.path.expandvars(given["root"]))), given["site"], given["group"]
    folder = certificate.temporary(root, site)
    places = (root / "tls" / site, folder)
    signs = bool(site) and not any((place / certificate.CERTIFICATE).exists() for place in places)
    try:
        if signs and not check_mode:
            _sign(site, given["domains"], folder)
        wanted = certificate.wanted(root, site)
        copied = [name for name in wanted if certificate.differs(certificate.copy(root, name), wanted[name], group)]
        for name in copied if not check_mode else ():
            _write(certificate.copy(root, name), wanted[name], group)
    except OSError as error:
        return {"failed": True, "msg": str(error)}
    return {"changed": signs or bool(copied), "temporary": signs, "copied": copied}


def _sign(site: str, domains: list[str], folder: Path) -> None:
    """The certificate is written last: where it exists, the key exists too."""
    done = run(certificate.request(site, domains))
    if done.returncode:
        raise OSError(f"openssl failed: {done.stderr.strip()}")
    chain, key = certificate.parts(done.stdout.encode())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace(folder / certificate.KEY, key, 0o600)
    replace(folder / certificate.CERTIFICATE, chain, 0o644)


def _write(path: Path, content: bytes, group: int) -> None:
    """Write what the group may read, into a folder that the group may enter."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chown(path.parent, -1, group)
    path.parent.chmod(0o750)
    replace(path, content, certificate.COPY_MODE, -1, group)
