from __future__ import annotations

import pytest

from lab import debian
from lab.debian import Mirror

DEB822 = """\
# a comment
Types: deb
URIs: http://mirror.test/debian/
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.test/security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.test/debian
Suites: bookworm
Components: main
"""
ONE_LINE = """\
# deb http://off.test/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/debian bookworm main
deb http://vendor.test/apt stable main
deb-src http://source.test/debian bookworm main
deb http://mirror.test/security bookworm-security main
"""


@pytest.mark.parametrize("text", [DEB822, ONE_LINE], ids=["deb822", "one line"])
def test_the_controllers_archive_is_found(text: str) -> None:
    expected = Mirror("http://mirror.test/debian", "http://mirror.test/security")
    assert debian.pick(debian.entries(text), "bookworm") == expected


def test_sources_that_lack_the_controllers_suite_give_no_archive() -> None:
    assert debian.pick(debian.entries(ONE_LINE), "trixie") is None


def test_an_image_gets_the_updates_and_the_security_of_its_own_suite() -> None:
    text = Mirror("http://mirror.test/debian", "http://mirror.test/security").sources("trixie")
    assert "Suites: trixie trixie-updates\n" in text
    assert "URIs: http://mirror.test/security\nSuites: trixie-security\n" in text


def test_sid_has_neither() -> None:
    text = Mirror("http://mirror.test/debian", "http://mirror.test/security").sources("sid")
    assert text.count("Suites:") == 1
    assert "Suites: sid\n" in text
