# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._cures import with_cure


@pytest.mark.parametrize(
    ("said", "variable"),
    [
        ("OSError: [Errno 30] Read-only file system: '/app/cache'", "stack_compose_override"),
        ("PermissionError: [Errno 13] Permission denied: '/root/key'", "stack_user"),
        ("chown: changing ownership: Operation not permitted", "cap_add"),
        ("This server MUST be run as root.", "stack_user to 0:0"),
    ],
)
def test_a_log_tells_which_variable_helps(said: str, variable: str) -> None:
    assert with_cure(said).startswith(said)
    assert variable in with_cure(said).removeprefix(said)


def test_of_anything_else_nothing_is_added() -> None:
    assert with_cure("SyntaxError: invalid syntax") == "SyntaxError: invalid syntax"
