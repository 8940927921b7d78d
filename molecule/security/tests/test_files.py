"""What a project gets that plants links, devices and FIFOs wherever it can write: nothing of the host's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COPY = ROOT / ".cache/weasel"
GIVEN = f"--extra-vars=@{ROOT}/molecule/security/weasel.yml"
# As weasel/plant.py has it.
PLANTED = (
    *("shadow", "environment", "root_password", "key", "copy", "climb_from_static", "climb_from_media", "within"),
    *("keys/shop.pem", "host/etc/passwd", "fifo", "device", "hard", "socket"),
)
SECRETS = "/etc/shadow /srv/shop/.env /srv/shop/secrets/db/root_password /srv/nginx/keys/shop.pem"
OWNERS = f"stat --dereference --format '%n %U:%G %a' {SECRETS} /srv/nginx/tls/shop/privkey.pem /srv/nginx/keys /etc /"


@pytest.fixture(scope="module")
def before(host):
    """Who owned what is aimed at."""
    return host.check_output(OWNERS)


@pytest.fixture(scope="module")
def deployed(host, before, ansible_playbook):
    """The weasel's site, deployed twice: the second time its folders change hands while it goes on planting."""
    subprocess.run(["rsync", "--archive", "--delete", f"{ROOT}/tests/projects/weasel/", f"{COPY}/"], check=True)
    subprocess.run(["rsync", f"{ROOT}/examples/shop/Pipfile", f"{ROOT}/examples/shop/Pipfile.lock", COPY], check=True)
    for playbook, user in (("site", "10001:10001"), ("deploy", "20002:20002")):
        done = ansible_playbook(f"landfall.django.{playbook}", GIVEN, f"--extra-vars=stack_user={user}")
        assert done.returncode == 0, done.stdout
    yield done.stdout
    done = ansible_playbook("landfall.django.remove", GIVEN, "--extra-vars=remove_data=true")
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def site(deployed, visit):
    return visit("weasel")


@pytest.fixture(scope="module")
def secrets(host):
    """Lines of what must not be seen."""
    said = host.check_output(f"cat {SECRETS}")
    return [line for line in said.splitlines() if len(line) > 16]


def test_it_has_planted_what_it_could(host, deployed):
    for folder in ("/srv/nginx/sites/weasel/media", "/srv/weasel/static/*"):
        found = host.check_output(f"find {folder} -maxdepth 1 -printf '%f %y\\n' | cat -v").splitlines()
        assert {"shadow l", "host l", "climb_from_media l", "fifo p", "honest.txt f", "second f"} <= set(found)


@pytest.mark.parametrize("folder", ["static", "media"])
def test_a_visitor_gets_the_honest_files_only(site, secrets, folder):
    assert site.get(f"/{folder}/honest.txt").text == "honest"
    answers = {name: site.get(f"/{folder}/{name}") for name in PLANTED}
    assert not [name for name, answer in answers.items() if answer.status < 400]
    assert not [name for name, answer in answers.items() if any(line in answer.text for line in secrets)]


def test_nor_does_who_asks_while_a_file_becomes_a_link(site, until):
    answers = []

    def honest() -> bool:
        # Nginx remembers for two seconds that it would not open it, so the honest answer may have to be waited for.
        answers.extend(site.get("/media/flip") for _ in range(200))
        return any(answer.status == 200 for answer in answers)

    until(honest, seconds=30)
    assert {answer.text for answer in answers if answer.status == 200} == {"honest"}


def test_only_files_are_published_and_the_operator_is_told_of_the_rest(host, deployed):
    found = host.check_output("find /srv/nginx/sites/weasel/static -printf '%y %n %U\\n' | sort -u").splitlines()
    assert {line.split()[0] for line in found} == {"d", "f"}
    assert {line.split()[1] for line in found if line.startswith("f")} == {"1"}
    assert {line.split()[2] for line in found} == {"0"}
    read = "grep --recursive --fixed-strings --files-with-matches --file=- /srv/nginx/sites/weasel/static"
    assert host.run(f"cat {SECRETS} | {read}").stdout == ""
    assert "static files are not served" in " ".join(deployed.split())
    assert "'climb_from_media' (a link)" in " ".join(deployed.split())


def test_no_target_has_changed_hands(host, deployed, before):
    assert host.check_output(OWNERS) == before
    assert host.check_output("stat --format %u /srv/nginx/sites/weasel/media/honest.txt") == "20002"


def test_a_source_with_a_link_out_of_it_is_refused(host, deployed, secrets, ansible_playbook):
    file = COPY / "Dockerfile"
    file.symlink_to("/etc/shadow")
    try:
        done = ansible_playbook("landfall.django.deploy", GIVEN)
    finally:
        file.unlink()
    assert done.returncode != 0
    assert "'Dockerfile' leads out of the project" in " ".join(done.stdout.split())
    assert not [line for line in secrets if line in done.stdout]


# Last: it ends the fixture's work early, and finds nothing to do afterwards.
def test_its_removal_takes_its_own_and_nothing_else(host, deployed, before, ansible_playbook):
    done = ansible_playbook("landfall.django.remove", GIVEN, "--extra-vars=remove_data=true")
    assert done.returncode == 0, done.stdout
    assert not host.file("/srv/nginx/sites/weasel").exists
    assert not host.file("/srv/weasel").exists
    assert not host.file("/srv/nginx/keys/weasel.pem").exists
    assert host.check_output(OWNERS) == before
