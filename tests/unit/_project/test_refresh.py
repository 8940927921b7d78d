# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project.refresh import Base, base

DAY = 86400


@pytest.mark.parametrize(
    ("stamp", "days", "at_once", "expected"),
    [
        ("", 0, False, Base("", False)),
        ("", 7, False, Base(str(10 * DAY), True)),
        (str(4 * DAY), 7, False, Base(str(4 * DAY), False)),
        (str(3 * DAY), 7, False, Base(str(10 * DAY), True)),
        (str(3 * DAY), 0, False, Base(str(3 * DAY), False)),
        (str(9 * DAY), 0, True, Base(str(10 * DAY), True)),
        ("damaged", 7, False, Base(str(10 * DAY), True)),
    ],
)
def test_when_the_base_image_is_pulled_again(stamp, days, at_once, expected):
    assert base(stamp, 10 * DAY + 0.5, days, at_once) == expected
