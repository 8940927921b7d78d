# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project.ignore import Ignore


@pytest.mark.parametrize(
    ("lines", "excluded", "kept"),
    [
        (["logs"], ["logs", "logs/a/b.log"], ["shop/logs", "logs.txt"]),
        (["/logs/"], ["logs/dev.log"], ["shop/logs"]),
        (["./logs"], ["logs/dev.log"], ["shop/logs"]),
        (["*.log"], ["dev.log"], ["logs/dev.log"]),
        (["**/*.log"], ["dev.log", "a/b/dev.log"], ["dev.logs"]),
        (
            ["**/.env*", "!**/.env.example"],
            [".env", "a/.env.production", ".envs/x"],
            [".env.example", "a/.env.example"],
        ),
        (
            ["*", "!shop", "!manage.py", "shop/secret.py"],
            ["README.md", "shop/secret.py"],
            ["manage.py", "shop/urls.py"],
        ),
        (["docs/**"], ["docs/a/b.md"], ["docs.md"]),
        (["a?c", "[xy].txt", "lit\\*eral"], ["abc", "x.txt", "lit*eral"], ["a/c", "z.txt", "literal"]),
        (["# comment", "", "  "], [], ["# comment", "manage.py"]),
        ([], [], ["manage.py"]),
    ],
)
def test_what_a_dockerignore_keeps_out(lines, excluded, kept):
    ignore = Ignore(lines)
    assert [path for path in excluded if not ignore.excludes(path)] == []
    assert [path for path in kept if ignore.excludes(path)] == []
