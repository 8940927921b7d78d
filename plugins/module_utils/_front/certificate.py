# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The certificates and keys of the front's sites: their sources, and the copies that Nginx reads.

Private to this collection.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from pathlib import Path

CERTIFICATE = "fullchain.pem"
KEY = "privkey.pem"
COPY_MODE = 0o640
_DAYS = 3650
_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----\n", re.DOTALL)


def temporary(root: Path, site: str) -> Path:
    """Return the folder of a site's temporary certificate."""
    return root / "tls" / "temporary" / site


def copy(root: Path, site: str) -> Path:
    """Return the file that Nginx reads, with the certificates and their key."""
    return root / "keys" / f"{site}.pem"


def wanted(root: Path, site: str) -> dict[str, bytes]:
    """Return the content that the copies of all sites should have, by site; for a new `site` its temporary one."""
    sources = {site: temporary(root, site)} if site else {}
    sources.update({path.parent.name: path.parent for path in root.glob(f"tls/*/{KEY}")})
    return {
        name: (folder / CERTIFICATE).read_bytes() + (folder / KEY).read_bytes()
        for name, folder in sources.items()
        if (folder / CERTIFICATE).exists() and (folder / KEY).exists()
    }


def differs(path: Path, content: bytes, group: int) -> bool:
    """Return whether the content, mode or group of a copy is wrong."""
    if not path.is_file():
        return True
    state = path.stat()
    return (stat.S_IMODE(state.st_mode), state.st_gid) != (COPY_MODE, group) or path.read_bytes() != content


def request(site: str, domains: Sequence[str]) -> list[str]:
    """Return the command that creates a self-signed certificate for the site, and prints it with its key."""
    names = ",".join(f"DNS:{domain}" for domain in domains)
    return [
        *("openssl", "req", "-x509", "-nodes", "-days", str(_DAYS)),
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-subj", f"/CN={site} (temporary)", "-addext", f"subjectAltName={names}"),
        *("-keyout", "/dev/stdout"),
    ]


def parts(output: bytes) -> tuple[bytes, bytes]:
    """Return the certificate and the key in the output of that command."""
    blocks = {match[1]: match[0] for match in _BLOCK.finditer(output)}
    return blocks[b"CERTIFICATE"], blocks[b"PRIVATE KEY"]
