# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project import python_version
from ansible_collections.landfall.django.plugins.module_utils._project.python_version import Named


@pytest.mark.parametrize(
    ("specifier", "fitting"),
    [
        (">=3.12", "12 13 14"),
        (">=3.12.4,<3.14", "12 13"),
        (">=3.11, <4", "11 12 13 14"),
        (">= 3.12 , < 3.13", "12"),
        (">3.12,!=3.13.*", "12 14"),
        ("!=3.12.1", "11 12 13 14"),
        ("==3.12.*", "12"),
        ("==3.12.7", "12"),
        ("3.12", "12"),
        ("3", "11 12 13 14"),
        ("~=3.12", "12 13 14"),
        ("~=3.12.2", "12"),
        ("^3.12", "12 13 14"),
        ("~3.12", "12"),
        ("<=3.12", "11 12"),
        ("<3.12.5", "11 12"),
        ("<3.12.0", "11"),
        ("3.11.* || 3.13.*", "11 13"),
        ("*", "11 12 13 14"),
        ("", "11 12 13 14"),
    ],
)
def test_the_series_that_fit_a_specifier(specifier, fitting):
    found = [minor for minor in (11, 12, 13, 14) if not specifier or python_version.fits((3, minor), specifier)]
    assert found == [int(minor) for minor in fitting.split()]


@pytest.mark.parametrize(
    ("files", "demands"),
    [
        ({".python-version": "# why\n3.12.4\n3.11\n"}, [(".python-version", "==3.12.4")]),
        ({".python-version": "cpython-3.12\n"}, [(".python-version", "==3.12")]),
        ({".python-version": "pypy3.10\n"}, []),
        ({"runtime.txt": "python-3.11.9"}, [("runtime.txt", "==3.11.9")]),
        ({"pipfile": {"requires": {"python_version": "3.11"}}}, [("Pipfile", "3.11")]),
        ({"pyproject": {"project": {"requires-python": ">=3.12"}}}, [("pyproject.toml", ">=3.12")]),
        ({"pyproject": {"tool": {"poetry": {"dependencies": {"python": "^3.11"}}}}}, [("pyproject.toml", "^3.11")]),
        ({}, []),
    ],
)
def test_what_a_project_demands(files, demands):
    found = python_version.named(files.get, files.get("pyproject", {}), files.get("pipfile", {}))
    assert [tuple(one) for one in found] == demands


@pytest.mark.parametrize(
    ("given", "specifiers", "image"),
    [
        ("", [], "python:3.13-slim"),
        ("", [">=3.11"], "python:3.13-slim"),
        ("", ["==3.12", ">=3.11"], "python:3.12-slim"),
        ("", [">=3.14"], "python:3.14-slim"),
        ("python:3.12-slim-bookworm@sha256:ab", ["==3.12"], "python:3.12-slim-bookworm@sha256:ab"),
        ("registry.example.com/python:3.11", ["<3.12"], "registry.example.com/python:3.11"),
        ("registry.example.com/base:7", ["==3.12"], "registry.example.com/base:7"),
    ],
)
def test_the_image(given, specifiers, image):
    assert python_version.image(given, [Named("pyproject.toml", one) for one in specifiers]) == image


@pytest.mark.parametrize(
    ("given", "specifier", "says"),
    [
        ("python:3.13-slim", "==3.12", r"^stack_python_image.*\.python-version.*==3\.12.*python:3\.12-slim"),
        ("", "<3", r"^stack_python_image.*\.python-version.*<3"),
    ],
)
def test_no_image_fits(given, specifier, says):
    with pytest.raises(ValueError, match=says):
        python_version.image(given, [Named(".python-version", specifier)])
