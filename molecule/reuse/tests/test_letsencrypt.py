"""The role letsencrypt, used alone.

The side effect renewed the certificate while the hook was broken, mended it, asked for another profile where certbot
knows profiles, and in vain for what cannot be had. It renewed the wildcard, too.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID

SITE_CA = Path(__file__).parents[3] / ".cache" / "lab" / "site-ca.pem"
WILDCARD = Path(__file__).parents[1] / "wildcard.yml"


@pytest.fixture
def name(host):
    return f"www.{host.check_output('hostname')}.test"


@pytest.fixture
def profiles(host):
    """Whether the host's certbot knows profiles."""
    return host.system_info.codename != "bookworm"


def certificate(host, path):
    with host.sudo():
        return x509.load_pem_x509_certificate(host.file(path).content)


def test_it_is_for_the_names_asked_for(host, name):
    leaf = certificate(host, f"/etc/letsencrypt/live/{name}/cert.pem")
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {name, name.removeprefix("www.")}


def test_it_is_of_the_labs_authority(host, name):
    with host.sudo():
        chain = x509.load_pem_x509_certificates(host.file(f"/etc/letsencrypt/live/{name}/fullchain.pem").content)
    for issued, issuer in itertools.pairwise(chain):
        issued.verify_directly_issued_by(issuer)
    roots = x509.load_pem_x509_certificates(SITE_CA.read_bytes())
    root = next(root for root in roots if root.subject == chain[-1].issuer)
    chain[-1].verify_directly_issued_by(root)


def test_the_link_leads_to_it(host, name):
    with host.sudo():
        assert host.file("/root/live").linked_to == f"/etc/letsencrypt/live/{name}"


def test_the_service_renewed_it_once_and_a_refusal_did_not(host, name, profiles):
    with host.sudo():
        kept = host.check_output("ls /etc/letsencrypt/archive/%s", name).split()
    numbers = range(1, 4 if profiles else 3)
    assert [file for file in kept if file.startswith("cert")] == [f"cert{number}.pem" for number in numbers]
    all_of_them = [certificate(host, f"/etc/letsencrypt/archive/{name}/cert{number}.pem") for number in numbers]
    assert len({leaf.serial_number for leaf in all_of_them}) == len(numbers)
    assert certificate(host, "/root/live/cert.pem") == all_of_them[-1]


def test_each_is_of_the_profile_asked_for(host, name, profiles):
    if not profiles:
        return
    lives = []
    for number in (1, 2, 3):
        leaf = certificate(host, f"/etc/letsencrypt/archive/{name}/cert{number}.pem")
        lives.append(round((leaf.not_valid_after_utc - leaf.not_valid_before_utc).total_seconds() / 3600))
        assert not leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    # The second is certbot's own renewal.
    assert lives == [45 * 24, 45 * 24, 160]


def test_the_hook_ran_after_each_one_and_once_more_after_it_was_broken(host, name, profiles):
    with host.sudo():
        renewals = host.file("/root/renewals").content_string.splitlines()
        assert not host.file(f"/var/lib/letsencrypt/{name}.hook-failed").exists
    assert {frozenset(line.split()) for line in renewals} == {frozenset((name, name.removeprefix("www.")))}
    # Where one profile takes the place of another, certbot from 3.2 on runs the hook too. Twice does no harm.
    assert len(renewals) in ((3, 4) if profiles else (2,))


def test_the_timer_renews(host):
    assert host.service("certbot.timer").is_running
    assert host.service("certbot.timer").is_enabled


def test_renewals_trust_the_directorys_authority(host):
    environment = host.check_output("systemctl show --property Environment certbot.service")
    path = environment.partition("REQUESTS_CA_BUNDLE=")[2]
    with host.sudo():
        assert "BEGIN CERTIFICATE" in host.file(path).content_string


@pytest.mark.parametrize("path", ["/etc/letsencrypt/renewal-hooks/deploy/{}", "/etc/systemd/system/certbot.service.d"])
def test_what_is_managed_says_so(host, name, path):
    with host.sudo():
        assert host.run("grep --recursive --quiet 'Ansible managed' %s", path.format(name)).rc == 0


def test_the_service_renewed_the_wildcard_by_dns(host):
    names = {f"{host.check_output('hostname')}.dynamic.test"}
    names |= {f"*.{name}" for name in names}
    all_of_them = [certificate(host, f"/etc/letsencrypt/archive/wildcard/cert{number}.pem") for number in (1, 2)]
    for leaf in all_of_them:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert set(found.get_values_for_type(x509.DNSName)) == names
    assert len({leaf.serial_number for leaf in all_of_them}) == 2
    assert certificate(host, "/etc/letsencrypt/live/wildcard/cert.pem") == all_of_them[-1]


def test_nobody_reads_the_key_of_the_name_server(host):
    secret = yaml.safe_load(WILDCARD.read_text())["letsencrypt_dns"]["credentials"]["secret"]
    with host.sudo():
        file = host.file("/etc/letsencrypt/dns/wildcard")
        assert (file.user, file.mode) == ("root", 0o600)
        assert secret in file.content_string
        # The brackets: sudo logs what it is asked to look for.
        assert host.run(f"grep --recursive --quiet '{secret[:-1]}[{secret[-1]}]' /var/log/letsencrypt").rc == 1
        assert secret not in host.check_output("journalctl --boot --no-pager")
