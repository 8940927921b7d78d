# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import subprocess

from ansible_collections.landfall.django.plugins.module_utils._hardening import confirm


def armed(tmp_path, paths, commands=()):
    """What `arm` leaves on the disk, without the clock."""
    folder = tmp_path / "unconfirmed"
    folder.mkdir()
    for number, path in enumerate(paths):
        if path.exists():
            (folder / str(number)).write_bytes(path.read_bytes())
    text = confirm.script(str(folder), [str(path) for path in paths], commands)
    (folder / "undo").write_text(text)
    return folder


def undo(folder):
    subprocess.run(["sh", "-c", (folder / "undo").read_text()], check=True)


def test_a_changed_file_is_put_back_and_a_new_one_goes(tmp_path):
    changed, new = tmp_path / "it's a file", tmp_path / "new"
    changed.write_text("former")
    done = tmp_path / "done"
    folder = armed(tmp_path, [changed, new], [["touch", str(done)]])
    changed.write_text("candidate")
    new.write_text("candidate")
    undo(folder)
    assert (changed.read_text(), new.exists(), done.exists(), folder.exists()) == ("former", False, True, False)


def test_an_undo_that_was_cut_off_does_the_rest_the_second_time(tmp_path):
    changed = tmp_path / "file"
    changed.write_text("former")
    folder = armed(tmp_path, [changed])
    script = (folder / "undo").read_text()
    subprocess.run(["sh", "-c", script.rpartition("rm -rf")[0]], check=True)
    undo(folder)
    assert (changed.read_text(), folder.exists()) == ("former", False)


def test_a_command_that_fails_keeps_no_file_from_its_place(tmp_path):
    changed = tmp_path / "file"
    changed.write_text("former")
    folder = armed(tmp_path, [changed], [["false"]])
    changed.write_text("candidate")
    undo(folder)
    assert (changed.read_text(), folder.exists()) == ("former", False)


def test_a_change_that_was_taken_back_cannot_be_confirmed(tmp_path):
    assert not confirm.confirm(str(tmp_path / "unconfirmed"))
