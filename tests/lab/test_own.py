"""A stack's own database server with the settings that the role gives it."""

from __future__ import annotations

import subprocess
import uuid

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES

from lab.bench import databases

MIGRATION = """USE shop;
CREATE TABLE note (id int);
CREATE TRIGGER more BEFORE INSERT ON note FOR EACH ROW SET NEW.id = NEW.id + 1;
CREATE FUNCTION landfall_one() RETURNS int RETURN 1;
INSERT INTO note VALUES (landfall_one());
SELECT id, @@log_bin FROM note;
"""


@pytest.mark.parametrize("name", ["mysql", "mariadb"])
def test_the_projects_user_makes_triggers_and_no_binary_log_grows(name, provided, tmp_path):
    engine, box = ENGINES[name], f"landfall-lab-try-{uuid.uuid4().hex[:8]}"
    provided(engine.image)
    try:
        databases.start(engine, box, tmp_path / "stack")
        login = ["docker", "exec", "-i", box, *engine.login_command(administrator=False, user="shop")]
        done = subprocess.run(login, input=f"a-password\n{MIGRATION}", capture_output=True, text=True, check=False)
    finally:
        databases.remove(box, tmp_path / "stack")
    assert (done.returncode, done.stdout.split()) == (0, ["2", "0"]), done.stderr
