"""The watchdog of a transfer: what trips it, and what does not."""

import time

import pytest

from pathcall.geo import watchdog as of


@pytest.mark.parametrize(
    ("bytes_a_step", "tripped"),
    [(0, "transfer stalled: 0 bytes in 0 s"), (1, "transfer stalled"), (10_000, None)],
)
def test_a_body_that_trickles_is_given_up(bytes_a_step, tripped):
    """Each window is judged by itself: what came before does not count for the next."""
    with of.Watchdog(window_s=0.2, total_s=60) as dog:
        dog.received(10**7)
        end = time.monotonic() + 0.8
        while time.monotonic() < end and not dog.tripped:
            dog.received(bytes_a_step)
            time.sleep(0.02)
    if tripped is None:
        assert dog.tripped is None
    else:
        assert dog.tripped is not None
        assert dog.tripped.startswith(tripped)


def test_a_transfer_that_takes_too_long_is_given_up():
    with of.Watchdog(window_s=60, total_s=0.1) as dog:
        dog.received(10**9)
        time.sleep(0.6)
    assert dog.tripped == "the transfer took longer than it may"
    with of.Watchdog(window_s=60, total_s=60) as dog:
        time.sleep(0.3)
    assert dog.tripped is None
