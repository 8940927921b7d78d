"""What scanners of other people's making say of the site's TLS and of Nginx's configuration, and who reads its keys."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from visitor import CA

from lab import images

ROOT = Path(__file__).parents[3]
TESTSSL = Path(__file__).parents[1] / "testssl"
COPIES = "/srv/nginx/keys/*.pem"
KEYS = "$(find -L /srv/nginx/tls /etc/letsencrypt/live /etc/letsencrypt/archive -name 'privkey*')"


@pytest.fixture(scope="module")
def site(visit):
    return visit("shop")


@pytest.fixture(scope="module")
def scan():
    """Run a program of requirements/scan.txt; return what it said, and whether it was content."""
    subprocess.run([ROOT / "tools/environment", "requirements/scan.txt"], check=True)

    def run(program: str, *arguments: str | Path) -> tuple[bool, str]:
        command = [ROOT / ".cache/scan/bin" / program, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        return done.returncode == 0, done.stdout + done.stderr

    return run


def test_testssl_grades_it_a_plus(site):
    """All but the simulation of old browsers."""
    (image,) = images.parse(TESTSSL, (TESTSSL / "Dockerfile").read_text())
    images.ensure([image])
    # The exit code counts what it could not finish, a handshake that was late among them; its verdict is what it says.
    said = subprocess.run(
        [
            *("docker", "run", "--rm", "--network=host", f"--volume={CA}:/ca.pem:ro", image.tag),
            *("--quiet", "--color=0", "--warnings=off", "--nodns=none", f"--ip={site.address}", "--add-ca=/ca.pem"),
            *("--protocols", "--std", "--fs", "--server-preference", "--server-defaults", "--headers", "--vulnerable"),
            f"{site.name}:443",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    ).stdout
    assert re.search(r"Overall Grade +(\S+)", said)[1] == "A+", said
    assert re.search(r"KEMs offered +X25519MLKEM768", said), said


def test_sslyze_finds_it_as_mozilla_asks(scan, site):
    content, said = scan(
        *("sslyze", "--mozilla_config=intermediate", "--certinfo", f"--certinfo_ca_file={CA}"),
        f"{site.name}:443{{{site.address}}}",
    )
    assert content, said
    assert "OK - Compliant" in said


def test_gixy_finds_no_fault_in_nginx(scan, host, tmp_path):
    ask = "docker compose --project-directory /srv/nginx exec -T nginx nginx -T -c /srv/nginx/conf/nginx.conf"
    (tmp_path / "nginx.conf").write_text(host.check_output(ask))
    content, said = scan("gixy", tmp_path / "nginx.conf")
    assert content, said
    assert "No issues found" in said


def readers(host, files: str) -> set[str]:
    """Who owns the files, and how far they are open."""
    return set(host.check_output(f"stat --dereference --format '%U %G %a' {files}").splitlines())


def test_nginx_reads_copies_and_nobody_else_a_key_after_a_renewal_too(host, site, until):
    assert (readers(host, COPIES), readers(host, KEYS)) == ({"root landfall-nginx 640"}, {"root root 600"})
    before = site.serial()
    environment = host.check_output("systemctl show certbot.service --property=Environment --value")
    host.check_output(f"{environment} certbot renew --cert-name shop --force-renewal --no-random-sleep-on-renew")
    until(lambda: site.serial() != before, seconds=10)
    assert (readers(host, COPIES), readers(host, KEYS)) == ({"root landfall-nginx 640"}, {"root root 600"})
    read = "setpriv --reuid=%s --regid=%s --clear-groups cat /srv/nginx/keys/shop.pem"
    assert host.run(read, "landfall-nginx", "landfall-nginx").rc == 0
    assert host.run(read, "nobody", "nogroup").rc != 0


def test_nginx_sees_of_the_host_what_it_serves(host):
    seen = host.check_output("docker exec nginx-nginx-1 sh -c 'ls /srv/nginx; ls /etc/letsencrypt || true'").split()
    assert seen == ["acme", "conf", "conf.d", "keys", "sites", "upstreams"]
