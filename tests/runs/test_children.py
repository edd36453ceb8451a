"""A process that was started ends by saving when its starter is gone, on every system."""

import os
import signal
import threading

import pytest

from multigan.runs import children


@pytest.mark.parametrize("system", ["posix", "nt"])
def test_who_is_asked_to_end_hears_it(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows `os.kill` ends the process at once: there it must not be called."""
    heard: list[int] = []
    monkeypatch.setattr(children.os, "name", system)
    if system == "nt":
        monkeypatch.setattr(children.os, "kill", lambda *given: os._exit(7))
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        asking = threading.Thread(target=children._ask_to_end)
        asking.start()
        asking.join()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]
