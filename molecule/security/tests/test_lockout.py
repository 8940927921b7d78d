"""The role hardening alone, on a host whose sshd listens on two ports: whatever goes wrong, the host can be entered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
DROP_IN = "/etc/ssh/sshd_config.d/00-landfall.conf"
RULES = "/etc/landfall/firewall.nft"


@pytest.fixture(scope="module")
def host(neighbour):
    return neighbour


@pytest.fixture
def harden(ansible_playbook):
    """Run the role with these variables; return what Ansible said, and whether it was content."""

    def run(**variables: object) -> tuple[bool, str]:
        done = ansible_playbook(str(HERE / "alone.yml"), "--extra-vars", json.dumps(variables))
        # The messages are wrapped.
        return done.returncode == 0, " ".join(done.stdout.split())

    return run


def effective(host) -> dict[str, str]:
    return dict(line.partition(" ")[::2] for line in host.check_output("sshd -T").splitlines())


def is_as_it_was(host) -> bool:
    """No file of the role's decides who may come in, no rules are loaded, and no clock runs."""
    gone = not host.file(DROP_IN).exists and not host.file(RULES).exists
    loaded = host.run("nft list table inet landfall").rc == 0
    clock = host.run("systemctl is-active landfall-undo.timer").stdout.strip()
    return gone and not loaded and clock == "inactive" and not host.file("/var/lib/landfall/unconfirmed").exists


def test_what_is_in_the_way_is_told_at_once_and_nothing_is_changed(host, harden):
    host.check_output("apt-get update --quiet=2 && apt-get install --quiet=2 ufw")
    host.check_output("ufw allow 22,2222/tcp && ufw --force enable")
    host.check_output("echo Bogus yes >/etc/ssh/sshd_config.d/50-user.conf")
    good, said = harden(hardening_allowed_ports=["http"], hardening_reboot_time="330")
    host.check_output("rm /etc/ssh/sshd_config.d/50-user.conf; ufw --force disable")
    assert not good
    for part in (
        "nothing has been changed yet",
        "ufw is active",
        "set hardening_firewall: false",
        "Bad configuration option: Bogus",
        "hardening_allowed_ports: http",
        "hardening_reboot_time",
    ):
        assert part in said
    assert is_as_it_was(host)
    assert not host.package("nftables").is_installed


def test_a_play_that_needs_a_password_is_refused_before_it_locks_itself_out(host, harden):
    host.check_output("echo ops:open-sesame | chpasswd")
    good, said = harden(ansible_password="open-sesame", ansible_ssh_private_key_file="/nonexistent")
    assert not good
    assert "ansible_password" in said
    assert "ssh-copy-id" in said
    assert is_as_it_was(host)
    assert not host.package("nftables").is_installed


def test_a_first_change_whose_fresh_login_is_lost_leaves_nothing(host, harden):
    good, said = harden(ansible_ssh_executable=str(HERE / "ssh/lost"))
    assert not good
    assert "the former state is back" in said
    assert is_as_it_was(host)
    assert effective(host)["passwordauthentication"] == "yes"


def test_both_of_its_ports_stay_open_and_keys_alone_open_them(host, harden, variables, scan_from, neighbour_of):
    good, said = harden(hardening_fail2ban=True)
    assert good, said
    neighbour = neighbour_of("trixie")
    assert scan_from(neighbour, variables["ansible_host"], 22, 80, 443, 2222, 3306) == [22, 2222]
    now = effective(host)
    assert (now["passwordauthentication"], now["permitrootlogin"], now["maxauthtries"]) == ("no", "no", "2")
    # What fail2ban bans is out, though the firewall lets in everybody.
    banned = neighbour.ansible.get_variables()["ansible_host"]
    host.check_output("fail2ban-client set sshd banip %s", banned)
    assert scan_from(neighbour, variables["ansible_host"], 22, 2222) == []
    host.check_output("fail2ban-client set sshd unbanip %s", banned)
    assert scan_from(neighbour, variables["ansible_host"], 22, 2222) == [22, 2222]


def test_the_journal_is_on_the_disk_and_its_group_reads_it(host):
    machine = host.file("/etc/machine-id").content_string.strip()
    host.check_output("logger --tag=planted kept && journalctl --sync")
    for folder in ("/var/log/journal", f"/var/log/journal/{machine}"):
        found = host.file(folder)
        assert (found.user, found.group, oct(found.mode)) == ("root", "systemd-journal", "0o2755")
    assert host.check_output("journalctl --directory=/var/log/journal --identifier=planted --output=cat") == "kept"
    assert host.check_output("find /run/log/journal -name system.journal") == ""


def test_two_names_of_one_host_are_hardened_in_one_play(host, variables, ansible_playbook, tmp_path):
    """Each comes to a change of sshd, and tries, proves and keeps it for itself."""
    again = tmp_path / "again.yml"
    known = ("ansible_host", "lab_suite")
    again.write_text(json.dumps({"all": {"hosts": {"again": {name: variables[name] for name in known}}}}))
    names = f"{variables['inventory_hostname']},again"
    # The same for both, and another than now.
    options = {"hardening_fail2ban": True, "hardening_ssh_options": {"ClientAliveCountMax": 4}, "alone_hosts": names}
    arguments = ["--inventory", str(again), "--limit", names, "--extra-vars", json.dumps(options)]
    said = [ansible_playbook(str(HERE / "alone.yml"), *arguments).stdout for _run in range(2)]
    assert "failed=0" in said[0]
    assert [text.count("failed=0") for text in said] == [2, 2], said[0]
    assert "taken back" not in said[0]
    assert [line.split()[3] for line in said[1].splitlines() if "unreachable=" in line] == ["changed=0"] * 2, said[1]
    assert effective(host)["clientalivecountmax"] == "4"
    assert not host.file("/var/lib/landfall/unconfirmed").exists


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        # Nobody but root, as whom the play does not log in.
        ({"hardening_ssh_options": {"AllowUsers": "root"}}, "Permission denied"),
        ({"hardening_allowed_ports": [8080], "ansible_ssh_executable": str(HERE / "ssh/lost")}, "port 9"),
    ],
    ids=["sshd", "firewall"],
)
def test_a_change_that_locks_the_play_out_is_taken_back_at_once(host, harden, given, reason):
    former = [host.file(path).content_string for path in (DROP_IN, RULES)]
    rules = host.check_output("nft list set inet landfall tcp_ports")
    good, said = harden(hardening_fail2ban=True, **given)
    assert not good
    assert reason in said
    assert [host.file(path).content_string for path in (DROP_IN, RULES)] == former
    assert host.check_output("nft list set inet landfall tcp_ports") == rules
    assert host.run("systemctl is-active landfall-undo.timer").stdout.strip() == "inactive"


def test_a_host_whose_controller_is_gone_takes_the_change_back_by_itself(host, harden, until):
    former = [host.file(path).content_string for path in (DROP_IN, RULES)]
    good, _said = harden(
        hardening_allowed_ports=[8080],
        hardening_ssh_options={"MaxAuthTries": 4},
        ansible_ssh_executable=str(HERE / "ssh/dies"),
    )
    assert not good
    assert effective(host)["maxauthtries"] == "4"
    assert "8080" in host.check_output("nft list set inet landfall tcp_ports")
    until(lambda: not host.file("/var/lib/landfall/unconfirmed").exists, seconds=60)
    assert [host.file(path).content_string for path in (DROP_IN, RULES)] == former
    until(lambda: "8080" not in host.run("nft list set inet landfall tcp_ports").stdout, seconds=10)
    assert effective(host)["maxauthtries"] == "2"


@pytest.mark.parametrize(
    ("first_line", "named"),
    [
        ("PasswordAuthentication yes", "passwordauthentication (/etc/ssh/sshd_config:1)"),
        ("Match User ops\nPasswordAuthentication yes\nMatch all", "passwordauthentication (/etc/ssh/sshd_config:2)"),
    ],
)
def test_an_option_that_comes_before_ours_is_named(host, harden, first_line, named):
    host.check_output("cp /etc/ssh/sshd_config /root/")
    host.check_output("(printf '%%s\n' %s; cat /root/sshd_config) >/etc/ssh/sshd_config", first_line)
    good, said = harden(hardening_fail2ban=True)
    host.check_output("mv /root/sshd_config /etc/ssh/sshd_config")
    assert not good
    assert named in said


def test_what_is_switched_off_goes(host, harden):
    good, said = harden(hardening_ssh=False, hardening_firewall=False)
    assert good, said
    assert is_as_it_was(host)
    assert effective(host)["passwordauthentication"] == "yes"
    assert host.run("systemctl is-failed fail2ban").stdout.strip() == "inactive"
