# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The certificates and keys of the front's sites: where each comes from, and the copy that Nginx reads.

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
    """The folder of the certificate that a site has until there is a real one."""
    return root / "tls" / "temporary" / site


def copy(root: Path, site: str) -> Path:
    """The file that Nginx reads: the certificates and their key."""
    return root / "keys" / f"{site}.pem"


def wanted(root: Path, site: str) -> dict[str, bytes]:
    """What Nginx should read of each site with a certificate, and of `site` until its link is there, by name."""
    sources = {site: temporary(root, site)} if site else {}
    sources.update({path.parent.name: path.parent for path in root.glob(f"tls/*/{KEY}")})
    return {
        name: (folder / CERTIFICATE).read_bytes() + (folder / KEY).read_bytes()
        for name, folder in sources.items()
        if (folder / CERTIFICATE).exists() and (folder / KEY).exists()
    }


def differs(path: Path, content: bytes, group: int) -> bool:
    """Whether the copy has other content, or others than root and the group may read it, or the group may not."""
    if not path.is_file():
        return True
    state = path.stat()
    return (stat.S_IMODE(state.st_mode), state.st_gid) != (COPY_MODE, group) or path.read_bytes() != content


def request(site: str, domains: Sequence[str]) -> list[str]:
    """The command that signs a certificate of its own for the site, and says it and its key."""
    names = ",".join(f"DNS:{domain}" for domain in domains)
    return [
        *("openssl", "req", "-x509", "-nodes", "-days", str(_DAYS)),
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-subj", f"/CN={site} (temporary)", "-addext", f"subjectAltName={names}"),
        *("-keyout", "/dev/stdout"),
    ]


def parts(said: bytes) -> tuple[bytes, bytes]:
    """The certificate and the key of what the command has said."""
    blocks = {match[1]: match[0] for match in _BLOCK.finditer(said)}
    return blocks[b"CERTIFICATE"], blocks[b"PRIVATE KEY"]
