# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit._alarms import servers


@pytest.fixture
def server() -> Iterator[servers.Server]:
    with servers.running() as found:
        yield found
