# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project.module_path import folders


@pytest.mark.parametrize(
    ("python_path", "commands", "found"),
    [
        ("", ["python3 manage.py", "gunicorn shop.wsgi"], []),
        ("/app/src:/opt/more", [], ["/app/src", "/opt/more"]),
        ("", ["python3 src/manage.py", "gunicorn --chdir src shop.wsgi"], ["src"]),
        ("", ["gunicorn --chdir=/app/backend --pythonpath a,b shop.wsgi"], ["/app/backend", "a", "b"]),
        ("", ["uvicorn --app-dir src shop.asgi"], ["src"]),
        ("", ["gunicorn --config=conf/gunicorn.py shop.wsgi", "it's broken"], []),
    ],
)
def test_where_modules_are_looked_for(python_path, commands, found):
    assert folders(python_path, commands) == found
