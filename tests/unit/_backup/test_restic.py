# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What restic 0.14 (Debian 12) and 0.18 (Debian 13) say, recorded, and what it means."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._backup import restic
from ansible_collections.landfall.django.plugins.module_utils._backup.manifest import BackupError

NONE_14 = (1, "Fatal: unable to open config file: stat /r/config: no such file or directory\nIs there a repository?")
NONE_18 = (10, "Fatal: repository does not exist: unable to open config file: stat /r/config: no such file")
PASSWORD_14 = (1, "Fatal: wrong password or no key found")
PASSWORD_18 = (12, "Fatal: wrong password or no key found")
LOCKED_14 = (1, "Fatal: unable to create lock in backend: repository is already locked by PID 7 on old by root")
LOCKED_18 = (11, "repo already locked, waiting up to 0s for the lock\nunable to create lock in backend: PID 7 on old")
AWAY_14 = (1, "Fatal: unable to open config file: dial tcp: no such host\nIs there a repository?")
AWAY_18 = (1, "Fatal: unable to open repository at s3:x: dial tcp: no such host")


class Restic:
    """Answers commands, by their first word, with an exit code and what it says."""

    def __init__(self, monkeypatch):
        self.answers, self.ran, self.environments = {}, [], []
        monkeypatch.setattr(restic, "run", self)

    def __call__(self, command, timeout, environment):
        self.ran.append(command[1:])
        self.environments.append(environment)
        code, said = self.answers.get(command[1], (0, ""))
        return subprocess.CompletedProcess(command, code, said if code == 0 else "", said)


@pytest.fixture
def program(monkeypatch):
    return Restic(monkeypatch)


@pytest.fixture
def repository(program, tmp_path):
    (tmp_path / "environment.json").write_text(json.dumps({"AWS_SECRET_ACCESS_KEY": "hidden"}))
    return restic.Repository("s3:https://s3.example.com/shop", tmp_path)


@pytest.mark.parametrize("answer", [NONE_14, NONE_18], ids=["0.14", "0.18"])
def test_a_missing_repository_is_created(program, repository, answer):
    program.answers["cat"] = answer
    assert repository.prepare()
    assert ["init"] in program.ran


@pytest.mark.parametrize("answer", [PASSWORD_14, PASSWORD_18], ids=["0.14", "0.18"])
def test_a_wrong_password_creates_nothing(program, repository, answer):
    program.answers["cat"] = answer
    with pytest.raises(BackupError, match="backup_password"):
        repository.prepare()
    assert ["init"] not in program.ran


@pytest.mark.parametrize("answer", [AWAY_14, AWAY_18], ids=["0.14", "0.18"])
def test_a_repository_out_of_reach_names_its_variables(program, repository, answer):
    program.answers |= {"cat": answer, "init": answer}
    with pytest.raises(BackupError, match=r"backup_repository: .*no such host.*backup_repository_environment"):
        repository.prepare()


@pytest.mark.parametrize("answer", [LOCKED_14, LOCKED_18], ids=["0.14", "0.18"])
def test_a_lock_of_somebody_else_is_told(program, repository, answer):
    program.answers["forget"] = answer
    with pytest.raises(BackupError, match=r"locked.*unlock"):
        repository.forget(["a"])


def error_14(path):
    return json.dumps({"message_type": "error", "error": {"Op": "open", "Path": path, "Err": 2}, "item": path})


def error_18(path):
    return json.dumps({"message_type": "error", "error": {"message": f"open {path}"}, "item": path})


@pytest.mark.parametrize("error", [error_14, error_18], ids=["0.14", "0.18"])
def test_a_file_that_a_visitor_deleted_meanwhile_is_no_error(program, repository, made, error):
    program.answers["backup"] = (3, error("/srv/shop/public/media/deleted"))
    repository.backup([Path("/srv/shop/public/media")], made, "")


@pytest.mark.parametrize("error", [error_14, error_18], ids=["0.14", "0.18"])
def test_a_file_that_cannot_be_read_is_an_error(program, repository, made, error, tmp_path):
    program.answers["backup"] = (3, error(str(tmp_path)))
    with pytest.raises(BackupError, match=r"could not read"):
        repository.backup([tmp_path], made, "")


def test_no_secret_is_on_a_command_line(program, repository, made):
    repository.backup([Path("/srv/shop/public/media")], made, "")
    words = " ".join(word for command in program.ran for word in command)
    assert "hidden" not in words
    assert "s3.example.com" not in words
    (environment,) = program.environments
    assert environment["RESTIC_REPOSITORY"] == "s3:https://s3.example.com/shop"
    assert environment["AWS_SECRET_ACCESS_KEY"] == "hidden"


def test_a_host_without_restic_is_told(repository, monkeypatch):
    def missing(*_given, **_options):
        raise FileNotFoundError

    monkeypatch.setattr(restic, "run", missing)
    with pytest.raises(BackupError, match="restic is missing"):
        repository.unlock()


def test_unchanged_files_are_not_read_again(program, repository, made):
    repository.backup([], made, "abc")
    assert "--parent=abc" in program.ran[-1]
