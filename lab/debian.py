"""Where the controller itself gets Debian's packages from, read from its own apt sources."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lab.shell import LabError


@dataclass(frozen=True)
class Mirror:
    """An archive, and its security counterpart where the controller names one."""

    archive: str
    security: str | None = None

    def sources(self, suite: str) -> str:
        """The deb822 text that an image of that suite gets."""
        suites = [suite] if suite == "sid" else [suite, f"{suite}-updates"]
        stanzas = [(self.archive, " ".join(suites))]
        if self.security and suite != "sid":
            stanzas.append((self.security, f"{suite}-security"))
        return "\n".join(
            f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\n"
            "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
            for uri, suites in stanzas
        )


def entries(text: str) -> list[tuple[str, str]]:
    """Every (address, suite) that an apt sources text names, in either of its two formats."""
    found = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = {
            key.lower(): value.split()
            for key, value in re.findall(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+\S.*)*)", stanza, re.MULTILINE)
        }
        if "deb" in fields.get("types", []) and fields.get("enabled") != ["no"]:
            found += [(uri, suite) for uri in fields.get("uris", []) for suite in fields.get("suites", [])]
    for line in text.splitlines():
        if one_line := re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", line):
            found.append((one_line[1], one_line[2]))
    return found


def pick(found: list[tuple[str, str]], codename: str) -> Mirror | None:
    """The Debian archive among the sources: the one that serves the controller's own suite."""
    by_suite = {suite: uri.rstrip("/") for uri, suite in reversed(found)}
    if archive := by_suite.get(codename):
        return Mirror(archive, by_suite.get(f"{codename}-security"))
    return None


def mirror() -> Mirror:
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', Path("/etc/os-release").read_text(), re.MULTILINE))
    apt = Path("/etc/apt")
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.sources"))]
    files += sorted((apt / "sources.list.d").glob("*.list"))
    text = "\n\n".join(file.read_text() for file in files if file.is_file())
    if release.get("ID") == "debian" and (chosen := pick(entries(text), release.get("VERSION_CODENAME", ""))):
        return chosen
    raise LabError(
        "Docker Hub does not answer, and this machine's apt sources name no Debian archive to make images from. "
        "Give this machine a way to Docker Hub, or run the lab on Debian."
    )
