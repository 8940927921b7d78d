# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import signal
import threading

import pytest
from ansible_collections.landfall.django.plugins.module_utils._release import interrupt
from ansible_collections.landfall.django.plugins.module_utils._release.beside import beside


def fail(words: str) -> None:
    raise ValueError(words)


def test_both_run_at_the_same_time_and_the_result_is_there_afterwards() -> None:
    here = threading.Event()
    with beside(here.wait, 20) as waiting:
        here.set()
    assert waiting.result() is True


def test_the_error_of_the_block_comes_first() -> None:
    with pytest.raises(OSError, match="block"), beside(fail, "beside"):
        raise OSError("block")
    with pytest.raises(ValueError, match="beside"), beside(fail, "beside"):
        pass


@pytest.mark.parametrize("in_time", [True, False])
def test_what_runs_beside_has_ended_when_the_block_is_interrupted(in_time: bool) -> None:
    ended, go = threading.Event(), threading.Event()

    def act() -> None:
        if in_time:
            signal.raise_signal(signal.SIGTERM)
        go.wait(20 if in_time else 0.2)
        ended.set()

    def block() -> None:
        with interrupt.as_exceptions(), beside(act):
            threading.Timer(0.2, go.set).start()
            if not in_time:
                signal.raise_signal(signal.SIGTERM)
            threading.Event().wait(20)

    with pytest.raises(SystemExit):
        block()
    assert ended.is_set()
