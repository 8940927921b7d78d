# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker.mounts import holds_deleted

# As a kernel 6.1 shows them, before and after the folder was deleted and made again.
HELD = "36 25 8:1 /srv/shop/secrets/db//deleted /run/secrets ro,relatime - ext4 /dev/sda1 rw\n"
WHOLE = "36 25 8:1 /srv/shop/secrets/db /run/secrets ro,relatime - ext4 /dev/sda1 rw\n"


@pytest.mark.parametrize(("table", "held"), [(HELD, True), (WHOLE, False), (WHOLE + HELD, True), ("", False)])
def test_a_mount_of_a_deleted_folder_is_told(tmp_path, table, held):
    (tmp_path / "7").mkdir()
    (tmp_path / "7/mountinfo").write_text(table)
    assert holds_deleted({"State": {"Pid": 7}}, str(tmp_path)) is held


@pytest.mark.parametrize("pid", [0, 8])
def test_what_does_not_run_holds_nothing(tmp_path, pid):
    assert not holds_deleted({"State": {"Pid": pid}}, str(tmp_path))
