"""What makes a study wrong is caught in the embedded real set; every benchmark can be started."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from benchmarks import guards
from benchmarks.qc import expression, real_sets

BENCHMARKS = Path(guards.__file__).parent


@pytest.fixture(scope="module")
def airway() -> guards.Planted:
    real = next(real_sets())
    return guards.Planted(real, expression(real.counts), ())


@pytest.mark.parametrize(
    "plant",
    [guards.exchanged, guards.copied, guards.other_species, guards.batch, guards.shallow,
     guards.normalised, guards.sex],
)  # fmt: skip
def test_a_planted_mistake_is_caught(airway, plant):
    assert plant(airway, np.random.default_rng(3)) is True


def test_the_set_as_it_is_is_not_refused(airway):
    assert not guards._refused(airway.real.counts)
    assert not guards.flagged(airway.real, airway.values, airway.real.counts, airway.real.sheet)


def test_what_a_set_cannot_hold_is_not_counted(airway, monkeypatch):
    only = guards.Guard("never", "flag", lambda planted, rng: None)
    once = guards.Guard("once", "flag", lambda planted, rng: False)
    monkeypatch.setattr(guards, "GUARDS", (only, once))
    table = guards.measure([airway], 2)
    assert list(table["caught"]) == ["0 of 0", "0 of 2"]
    assert list(table["missed in"]) == ["–", "airway (2)"]


@pytest.mark.parametrize(
    "module",
    sorted(
        ".".join(path.relative_to(BENCHMARKS.parent).with_suffix("").parts)
        for path in BENCHMARKS.rglob("*.py")
        if path.name not in ("__main__.py", "__init__.py")
    ),
)
def test_every_benchmark_can_be_imported(module):
    importlib.import_module(module)
