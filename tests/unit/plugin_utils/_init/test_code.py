# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Expressions as they stand in settings."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath
from typing import Any

import pytest
from ansible_collections.landfall.django.plugins.plugin_utils._init import code
from ansible_collections.landfall.django.plugins.plugin_utils._init.code import Variable

NAMES = {"__file__": PurePosixPath("/app/shop/settings.py"), "BASE_DIR": PurePosixPath("/app"), "NAME": "shop"}


def value(expression: str) -> Any:
    return code.evaluate(ast.parse(expression, mode="eval").body, NAMES)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Path(__file__).resolve().parent.parent / 'static'", "/app/static"),
        ("Path(__file__).parents[1] / 'static'", "/app/static"),
        ("os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'static')", "/app/static"),
        ("str(BASE_DIR / NAME / 'media')", "/app/shop/media"),
        ("BASE_DIR.joinpath('a', 'b')", "/app/a/b"),
        ("(environ.Path(__file__) - 2)('static')", "/app/static"),
        ("environ.Path(__file__) - 99", "/app/shop/settings.py"),
        ("f'{BASE_DIR}/media'", "/app/media"),
        ("BASE_DIR / '/var/media'", "/var/media"),
    ],
)
def test_paths(expression: str, expected: str) -> None:
    assert str(value(expression)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("os.environ['HOSTS'].split(' ')", Variable("HOSTS", is_required=True, separator=" ")),
        ("os.environ.get('HOSTS', 'a,b').split(',')", Variable("HOSTS", "a,b")),
        ("os.getenv('HOSTS')", Variable("HOSTS")),
        ("env.list('HOSTS', default=[])", Variable("HOSTS", [])),
        ("config('HOSTS', default='', cast=Csv())", Variable("HOSTS", "")),
        ("bool(int(os.environ.get('DEBUG', 0)))", Variable("DEBUG", 0)),
        ("os.environ.get('DEBUG') == 'True'", Variable("DEBUG")),
        ("os.environ.get('PORT') or 5432", Variable("PORT")),
        (
            "dj_database_url.config(default='sqlite:///x')",
            Variable("DATABASE_URL", "sqlite:///x", is_database_url=True),
        ),
        ("dj_database_url.parse(env('DB'))", Variable("DB", is_required=True, is_database_url=True)),
        ("envsecret('TOKEN')", Variable("TOKEN")),
        ("get_env('TOKEN', 'x')", Variable("TOKEN", "x")),
        ("env.db()", Variable("DATABASE_URL", is_required=True, is_database_url=True)),
    ],
)
def test_variables(expression: str, expected: Variable) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize("expression", ["get_secret('x')", "UNKNOWN / 'a'", "1 + 'a'", "[x for x in y]", "lambda: 0"])
def test_what_cannot_be_told(expression: str) -> None:
    assert value(expression) is None
