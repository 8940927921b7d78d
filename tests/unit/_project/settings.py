# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Small projects, asked by the program that runs in an image, with the Django of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._project import profile

HOST = "shop.example.com"
MANAGE = """
import os, sys
if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""
URLS = "from django.http import HttpResponse\nfrom django.urls import path\nurlpatterns = []\n"


def project(folder: Path, settings: str, urls: str = URLS, manage: str = "manage.py") -> Path:
    """Write a project whose settings are these lines after a few that every project has."""
    files = {
        manage: MANAGE,
        f"{Path(manage).parent}/shop/__init__.py": "",
        f"{Path(manage).parent}/shop/urls.py": urls,
        f"{Path(manage).parent}/shop/settings.py": (
            "import os\nfrom pathlib import Path\nBASE_DIR = Path(__file__).resolve().parent.parent\n"
            f"SECRET_KEY = 'x'\nROOT_URLCONF = 'shop.urls'\nALLOWED_HOSTS = ['{HOST}']\nSTATIC_URL = '/static/'\n"
            f"{settings}\n"
        ),
    }
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def ask(folder: Path, environment: dict[str, str] | None = None, **asked: Any) -> dict[str, Any]:
    """The answer of a project in a folder. Raises ValueError as profile.parse does."""
    environment = environment or {}
    given = {
        "manage_command": f"{sys.executable} manage.py",
        "domains": [HOST],
        "scheme": "https",
        "paths": (),
        **asked,
    }
    *_, flag, boot = profile.Container("shop:1", "1:1").arguments()
    done = subprocess.run(
        [sys.executable, flag, boot],
        input=profile.question(environment=environment, **given),
        env={"PATH": os.environ["PATH"]},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return profile.parse(done.stdout, environment, "10001:10001")
