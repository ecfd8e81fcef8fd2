"""Servers that misbehave: each behaviour at one file here, at every file once a night."""

import pytest

from tests.server_behaviours import BEHAVIOURS, CASES, TARGETS, TIMES, check, try_behaviour

SOME = [
    (how, list(TARGETS)[i % len(TARGETS)], list(TIMES)[i // len(TARGETS) % len(TIMES)])
    for i, how in enumerate(BEHAVIOURS)
]
SOME = [case for case in SOME if case in CASES]


@pytest.mark.slow
@pytest.mark.parametrize(("how", "at", "often"), SOME, ids=lambda part: part)
def test_it_ends_in_the_right_bytes_or_one_line(how, at, often):
    check(try_behaviour(how, at, often), how)


@pytest.mark.rare
@pytest.mark.parametrize("at", TARGETS)
def test_every_behaviour_at_every_file(at):
    for how, where, often in CASES:
        if where == at:
            check(try_behaviour(how, at, often), how)
