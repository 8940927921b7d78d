# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""sshd's configuration: what it would be with a drop-in of ours, and whether that drop-in decides.

Private to this collection.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable

from ansible_collections.landfall.django.plugins.module_utils._commands.run import run
from ansible_collections.landfall.django.plugins.module_utils._hardening.session import Session

CONFIG = "/etc/ssh/sshd_config"
DROP_INS = "/etc/ssh/sshd_config.d"
# The first value that sshd meets is the one that counts, and it reads the drop-ins in the order of their names.
DROP_IN = f"{DROP_INS}/00-landfall.conf"
_INCLUDE = f"Include {DROP_INS}/*.conf"


class SshdError(Exception):
    """The configuration is not what it should be; the message says where and what to do."""


def settings(text: str) -> list[str]:
    """The keywords that a configuration sets, in lower case, without what its Match blocks set."""
    words = [word.lower() for word in re.findall(r"^[ \t]*([A-Za-z0-9]+)", text, re.MULTILINE)]
    end = words.index("match") if "match" in words else len(words)
    return words[:end]


def parse_effective(output: str) -> dict[str, list[str]]:
    """What `sshd -T` prints, by keyword."""
    found: dict[str, list[str]] = {}
    for line in output.splitlines():
        keyword, _space, value = line.partition(" ")
        found.setdefault(keyword.lower(), []).append(value.strip())
    return found


def ports(effective: dict[str, list[str]]) -> list[int]:
    """Where sshd listens: on each port, or on the addresses that it is bound to."""
    listed = [value.rpartition(":")[2] for value in effective.get("listenaddress", [])] + effective.get("port", [])
    return sorted({int(port) for port in listed if port.isdigit()})


def undecided(wanted: Iterable[str], own: dict[str, list[str]], whole: dict[str, list[str]]) -> list[str]:
    """The keywords whose value in the whole configuration differs from the one in the drop-in."""
    return sorted({keyword for keyword in wanted if own.get(keyword) != whole.get(keyword)})


def places(keyword: str, files: dict[str, str]) -> list[str]:
    """Where a keyword is set, as file:line."""
    return [
        f"{path}:{number}"
        for path, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        if re.match(rf"\s*{re.escape(keyword)}[\s=]", line, re.IGNORECASE)
    ]


def effective(config: str = CONFIG, who: Session | None = None) -> dict[str, list[str]]:
    """The settings that sshd reads from a configuration. Raises SshdError with sshd's own words if it refuses it."""
    # With socket activation the folder exists only while sshd runs, and sshd checks nothing without it.
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    words = ["sshd", "-T", "-f", config]
    if who:
        words += ["-C", f"user={who.user},host={who.source},addr={who.source},laddr={who.address},lport={who.port}"]
    path = f"/usr/sbin:/sbin:{os.environ.get('PATH', '')}"
    program = shutil.which(words[0], path=path)
    if not program:
        raise SshdError("there is no sshd")
    ran = run([program, *words[1:]])
    if ran.returncode:
        raise SshdError(ran.stderr.strip() or ran.stdout.strip())
    return parse_effective(ran.stdout)


def check(content: str, who: Session | None) -> None:
    """Check a drop-in beside the present files. Raises SshdError if it is wrong, or another file overrides it."""
    try:
        effective()
    except SshdError as error:
        raise SshdError(broken(error)) from error
    with tempfile.TemporaryDirectory() as folder:
        own, whole = os.path.join(folder, "own"), _lay_out(content, folder)
        with open(own, "w", encoding="utf-8") as stream:
            stream.write(content)
        try:
            alone, together = effective(own, who), effective(whole, who)
        except SshdError as error:
            said = str(error).replace(own, DROP_IN).replace(f"{folder}/drop-ins", DROP_INS).replace(whole, CONFIG)
            raise SshdError(f"hardening_ssh_options: sshd refuses them: {said}") from error
    open_questions = undecided(settings(content), alone, together)
    if open_questions:
        raise SshdError(_contradicted(open_questions))


def broken(error: SshdError) -> str:
    """The problem of a host whose sshd could not start again."""
    return (
        f"hardening_ssh: sshd refuses its own present configuration, and would not start again: {error}. "
        f"Correct it first, or set hardening_ssh: false."
    )


def _lay_out(content: str, folder: str) -> str:
    """Lay out the configuration as it would be; return its main file."""
    drop_ins = os.path.join(folder, "drop-ins")
    if os.path.isdir(DROP_INS):
        shutil.copytree(DROP_INS, drop_ins)
    else:
        os.mkdir(drop_ins)
    with open(os.path.join(drop_ins, os.path.basename(DROP_IN)), "w", encoding="utf-8") as stream:
        stream.write(content)
    with open(CONFIG, encoding="utf-8", errors="replace") as stream:
        text = stream.read()
    main = os.path.join(folder, "sshd_config")
    with open(main, "w", encoding="utf-8") as stream:
        stream.write(redirected(text, drop_ins))
    return main


def redirected(text: str, drop_ins: str) -> str:
    """A configuration that includes the drop-ins from another folder."""
    include = re.compile(r"^(\s*Include[\s=].*)$", re.IGNORECASE | re.MULTILINE)
    return include.sub(lambda found: re.sub(r"(/etc/ssh/)?\bsshd_config\.d/", f"{drop_ins}/", found[1]), text)


def _contradicted(keywords: list[str]) -> str:
    files: dict[str, str] = {}
    drop_ins = sorted(os.listdir(DROP_INS)) if os.path.isdir(DROP_INS) else []
    for path in (CONFIG, *(os.path.join(DROP_INS, name) for name in drop_ins)):
        if path != DROP_IN and os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as stream:
                files[path] = stream.read()
    if not places("include", {CONFIG: files.get(CONFIG, "")}):
        return f"hardening_ssh: {CONFIG} does not read {DROP_INS}. Put `{_INCLUDE}` in its first line."
    said = "; ".join(f"{keyword} ({', '.join(places(keyword, files)) or 'unknown'})" for keyword in keywords)
    return (
        f"hardening_ssh: another part of sshd's configuration comes first, or matches this login: {said}. "
        f"Remove it there, or set the same value in hardening_ssh_options."
    )
