# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import subprocess

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import FILES, Compose, parse_recreated


def test_compose_says_what_it_would_recreate():
    said = """ DRY-RUN MODE -  Container shop-web-3  Running
 DRY-RUN MODE -  Container shop-web-2  Recreate
 DRY-RUN MODE -  Container shop-web-2  Recreated
 DRY-RUN MODE -  Container e817553bb5c1_shop-web-2  Starting
 DRY-RUN MODE -  Container e817553bb5c1_shop-web-2  Started
"""
    assert parse_recreated(said) == {"shop-web-2"}


@pytest.fixture
def stack(tmp_path):
    """A stack whose files in force and whose next ones differ, beside a file of somebody's own."""
    for folder in ("shop", "shop/releases/2"):
        (tmp_path / folder).mkdir(parents=True)
        for name in FILES:
            (tmp_path / folder / name).write_text(f"{folder} {name}")
    (tmp_path / "shop/extra.env").write_text("extra")
    return tmp_path / "shop"


def seen(stack, *names):
    view = Compose(str(stack), "shop", stack / "releases/2").view()
    shown = subprocess.run([*view, "cat", *(str(stack / name) for name in names)], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def test_a_command_sees_the_files_of_a_release_in_their_place_and_nobody_else_does(stack):
    assert seen(stack, "compose.yaml", ".env", "extra.env") == "shop/releases/2 compose.yamlshop/releases/2 .envextra"
    assert (stack / "compose.yaml").read_text() == "shop compose.yaml"


def test_so_it_does_where_one_or_all_of_those_in_force_are_missing(stack):
    (stack / ".env").unlink()
    assert seen(stack, "compose.yaml", ".env") == "shop/releases/2 compose.yamlshop/releases/2 .env"
    for name in FILES:
        (stack / name).unlink(missing_ok=True)
    assert seen(stack, "compose.yaml", ".env") == "shop/releases/2 compose.yamlshop/releases/2 .env"
    assert not (stack / "compose.yaml").exists()


def test_without_a_release_the_files_in_force_count(stack):
    assert Compose(str(stack), "shop").view() == []
