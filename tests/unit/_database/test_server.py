# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import contextlib

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.engine import SchemaContents
from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_name
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError

CREATED = [b"CREATE TABLE t (id INT);\n"]


@pytest.fixture
def client(tmp_path):
    """A docker compose that does what a shell script says, whatever it is asked for."""

    def make(script):
        file = tmp_path / "compose"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return Server([str(file)], by_name("mysql"))

    return make


def test_what_a_program_said_last_is_in_the_error(client):
    with pytest.raises(DockerError, match=r"(?s)code 3.*no such table"):
        client("echo 'ERROR 1146: no such table' >&2; exit 3").query("SELECT 1;")


def test_a_program_that_complains_at_length_holds_nobody_up(client):
    server = client("head -c 1000000 /dev/zero | tr '\\0' x >&2; echo one; exit 0")
    assert list(server.dump_tables("shop", SchemaContents("", "", "", "", 0, definitions={"views": ()}))) == [b"one\n"]


def test_a_client_that_stops_in_the_middle_says_why(client):
    server = client("head -c 10 >/dev/null; echo 'ERROR 1064' >&2; exit 1")
    with pytest.raises(DockerError, match="ERROR 1064"):
        server.load("beside", CREATED * 100_000)


def test_a_client_that_does_not_read_its_input_has_not_loaded_it(client):
    with pytest.raises(DockerError, match="input"):
        client("exit 0").load("beside", CREATED * 100_000)


def test_an_archive_that_ends_badly_ends_the_client(client, tmp_path):
    def blocks():
        yield b"CREATE"
        raise OSError("cannot be read")

    with pytest.raises(OSError, match="cannot be read"):
        client("cat >/dev/null; exec sleep 1").load("beside", blocks())


@pytest.mark.parametrize(("said", "killed"), [("", False), ("17", True)])
def test_a_load_that_goes_on_in_the_container_is_ended(client, tmp_path, said, killed):
    client(f"cat >>{tmp_path}/sql; echo {said}").kill_interrupted_load()
    assert ("KILL 17;" in (tmp_path / "sql").read_text()) == killed


def test_a_host_without_docker_is_told_so():
    with pytest.raises(DockerError, match=r"landfall\.django\.docker"):
        Server(["/nowhere/docker", "compose"], by_name("mysql")).query("SELECT 1;")


@pytest.mark.parametrize(("later", "raised"), [("", False), ("42", True)])
def test_a_load_that_ends_by_itself_need_not_be_ended(client, tmp_path, later, raised):
    server = client(f"""
sql=$(cat)
case $sql in
  *KILL*) touch {tmp_path}/asked; echo 'ERROR 1094: Unknown thread id: 42' >&2; exit 1 ;;
  *) if [ -e {tmp_path}/asked ]; then echo {later}; else echo 42; fi ;;
esac""")
    with pytest.raises(DockerError, match="1094") if raised else contextlib.nullcontext():
        server.kill_interrupted_load()
    assert (tmp_path / "asked").exists()
