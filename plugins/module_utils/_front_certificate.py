# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The certificates and keys that the front's Nginx reads: which there are, and who may read them.

Private to this collection.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

CERTIFICATE = "fullchain.pem"
KEY = "privkey.pem"
FOLDER_MODE = 0o750
KEY_MODE = 0o640
_DAYS = 3650


def temporary(root: Path, site: str) -> Path:
    """The folder of the certificate that a site has until there is a real one."""
    return root / "tls" / "temporary" / site


def temporaries(root: Path) -> list[Path]:
    """The folder of temporary certificates, and those of the sites in it."""
    return [temporary(root, ""), *sorted(path.parent for path in temporary(root, "").glob(f"*/{KEY}"))]


def keys(root: Path) -> list[Path]:
    """The keys that the sites' links lead to, those that certbot keeps beside them, and all temporary ones.

    The others too, since the group that could read them may have had another number, which somebody else can get.
    """
    current = {path.resolve() for folder in ("tls", "tls/temporary") for path in root.glob(f"{folder}/*/{KEY}")}
    return sorted(current.union(*(key.parent.glob("privkey*.pem") for key in current)))


def differs(path: Path, mode: int, group: int) -> bool:
    """Tell whether others than root and the group may enter or read `path`, or the group may not."""
    if not path.exists():
        return True
    state = path.stat()
    return (stat.S_IMODE(state.st_mode), state.st_gid) != (mode, group)


def let(path: Path, mode: int, group: int) -> None:
    """Let root and the group enter or read `path`, which is made where it is a folder that is not there."""
    if mode == FOLDER_MODE:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    # In this order, no other group ever may.
    os.chown(path, -1, group)
    path.chmod(mode)


def request(site: str, domains: Sequence[str], key: str, certificate: str) -> list[str]:
    """The command that signs a certificate of its own for the site."""
    names = ",".join(f"DNS:{domain}" for domain in domains)
    return [
        *("openssl", "req", "-x509", "-nodes", "-days", str(_DAYS)),
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-subj", f"/CN={site} (temporary)", "-addext", f"subjectAltName={names}"),
        *("-keyout", key, "-out", certificate),
    ]
