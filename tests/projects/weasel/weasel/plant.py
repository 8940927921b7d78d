"""What somebody leaves behind who wants to read, or own, what is the host's."""

import itertools
import os
import socket
import stat
import threading
from contextlib import suppress
from pathlib import Path

LINKS = {
    "shadow": "/etc/shadow",
    "environment": "/srv/shop/.env",
    "root_password": "/srv/shop/secrets/db/root_password",
    "key": "/srv/nginx/tls/shop/privkey.pem",
    "copy": "/srv/nginx/keys/shop.pem",
    # From static/<image> in the stack's own folder, and from media in the front's.
    "climb_from_static": "../../../shop/.env",
    "climb_from_media": "../../../keys/shop.pem",
    "keys": "/srv/nginx/keys",
    "host": "/",
    "within": "honest.txt",
}
DEPTH = 150


def plant(folder: Path) -> None:
    """Plant all of it in a folder, as far as the container lets us."""
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        (folder / "honest.txt").write_text("honest")
        (folder / os.fsdecode(b"\xff\xfe.txt")).write_text("honest")
    for name, target in LINKS.items():
        with suppress(OSError):
            (folder / name).symlink_to(target)
    with suppress(OSError):
        os.mkfifo(folder / "fifo")
    with suppress(OSError):
        os.mknod(folder / "device", stat.S_IFBLK | 0o666, os.makedev(8, 0))
    for name, target in {"second": folder / "honest.txt", "hard": "/etc/shadow"}.items():
        with suppress(OSError):
            os.link(target, folder / name)
    with suppress(OSError), socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
    with suppress(OSError):
        folder.joinpath(*["d"] * DEPTH).mkdir(parents=True, exist_ok=True)


def flip(folder: Path) -> None:
    """Let one name be a file and a link in turn, for whoever looks first and opens afterwards."""
    beside = folder / f".{os.getpid()}"
    for number in itertools.count():
        with suppress(OSError):
            if number % 2:
                beside.symlink_to(LINKS["copy"])
            else:
                beside.write_text("honest")
            beside.replace(folder / "flip")
        threading.Event().wait(0.005)


def start(folder: Path) -> None:
    threading.Thread(target=flip, args=[folder], daemon=True).start()
