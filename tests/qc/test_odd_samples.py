import numpy as np
import pytest

from pathcall.qc.odd_samples import find_odd_samples

GENES = 300


def study(sizes=(3, 3, 3, 3), *, apart=2.0, seed=0):
    """Groups that differ by `apart` in each gene, noise of 0.5."""
    rng = np.random.default_rng(seed)
    cells = np.repeat(np.arange(len(sizes)), sizes)
    means = rng.normal(size=(len(sizes), GENES)) * apart
    values = means[cells] + 0.5 * rng.normal(size=(len(cells), GENES))
    return values, cells, means


def find(values, cells, blocks=None):
    design = np.eye(cells.max() + 1)[cells]
    if blocks is not None:
        design = np.hstack([design, np.eye(blocks.max() + 1)[blocks][:, 1:]])
    return find_odd_samples(values, design, [str(c) for c in cells])


def test_clean_samples_are_not_odd():
    for seed in range(20):
        values, cells, _ = study(seed=seed)
        assert find(values, cells)[0] == []


def test_groups_that_do_not_differ_are_not_odd():
    for seed in range(20):
        values, cells, _ = study(sizes=(4, 4), apart=0.0, seed=seed)
        assert find(values, cells)[0] == []


@pytest.mark.parametrize("sizes", [(3, 3), (3, 3, 3, 3), (5, 4, 6)])
def test_exchanged_labels(sizes):
    values, cells, _ = study(sizes)
    labelled = cells.copy()
    labelled[[1, sizes[0]]] = labelled[[sizes[0], 1]]
    found, _ = find(values, labelled)
    assert {(o.sample, o.partner, o.kind) for o in found} == {
        (1, sizes[0], "exchanged"), (sizes[0], 1, "exchanged")
    }  # fmt: skip
    assert all(o.severe for o in found) is (sizes != (3, 3))


def test_two_exchanges_are_both_found():
    values, cells, _ = study()
    labelled = cells.copy()
    labelled[[0, 3]] = labelled[[3, 0]]
    labelled[[7, 10]] = labelled[[10, 7]]
    assert {(o.sample, o.partner) for o in find(values, labelled)[0]} == {
        (0, 3), (3, 0), (7, 10), (10, 7)
    }  # fmt: skip


def test_an_exchange_of_whole_samples_between_pairs():
    """Donor and treatment are exchanged together, as tubes are."""
    rng = np.random.default_rng(3)
    cells, blocks = np.tile([0, 1], 6), np.repeat(np.arange(6), 2)
    donors, effect = rng.normal(size=(6, GENES)) * 2, rng.normal(size=(1, GENES))
    values = donors[blocks] + cells[:, None] * effect + 0.5 * rng.normal(size=(12, GENES))
    order = np.arange(12)
    order[[0, 5]] = [5, 0]
    found, _ = find(values, cells[order], blocks[order])
    assert {o.sample for o in found} == {0, 5}


def test_cells_of_two_can_not_say_which_exchange():
    values, cells, _ = study(sizes=(2, 2))
    labelled = cells.copy()
    labelled[[0, 2]] = labelled[[2, 0]]
    found, _ = find(values, labelled)
    assert {o.sample for o in found} == {0, 1, 2, 3}
    assert not any(o.severe for o in found)
    assert {o.others for o in found if o.sample in (0, 2)} == {(1, 3)}


@pytest.mark.parametrize("share", [0.5, 0.6])
def test_a_mixture_is_found_and_its_mates_are_not(share):
    for seed in range(10):
        values, cells, means = study(seed=seed)
        values[4] += np.log2(1 - share + share * 2 ** (means[2] - means[1]))
        (odd,), distance = find(values, cells)
        assert (odd.sample, odd.kind, cells[odd.group]) == (4, "mixture", 2)
        assert odd.share == pytest.approx(share, abs=0.1)
        assert distance[4] > 2
        assert np.delete(distance, 4).max() < 1.6


def test_a_sample_of_another_group():
    values, cells, means = study(sizes=(4, 4, 4))
    values[5] += means[2] - means[1]
    (odd,), _ = find(values, cells)
    assert (odd.sample, odd.kind, odd.severe) == (5, "other_group", True)


def test_a_sample_that_no_group_explains():
    values, cells, _ = study()
    values[6] += np.random.default_rng(9).normal(size=GENES) * 4
    (odd,), _ = find(values, cells)
    assert (odd.sample, odd.kind, odd.severe) == (6, "outlier", True)


def test_a_mixture_within_a_pair_is_told_from_its_partner_but_not_beyond_doubt():
    rng = np.random.default_rng(4)
    cells, blocks = np.tile([0, 1], 5), np.repeat(np.arange(5), 2)
    effect = 2 * rng.normal(size=(1, GENES))
    donors = rng.normal(size=(5, GENES)) * 2
    values = donors[blocks] + cells[:, None] * effect + 0.3 * rng.normal(size=(10, GENES))
    values[2] += np.log2(0.4 + 0.6 * 2 ** effect[0])
    found, _ = find(values, cells, blocks)
    assert {(o.sample, o.partner, o.severe) for o in found} == {(2, 3, False)}


def test_a_single_sample_a_cell_is_left_alone():
    values, cells, _ = study(sizes=(1, 1, 3, 3))
    found, distance = find(values, cells)
    assert found == []
    assert np.isnan(distance[:2]).all()


def test_of_hundreds_of_samples_several_are_set_aside_a_round():
    """Mixtures in different cells, and two in one cell, are all found, and no mate of theirs."""
    values, cells, means = study(sizes=(25,) * 12, seed=3)
    odd = [3, 30, 31, 110, 201, 299]
    for i in odd:
        other = (cells[i] + 5) % 12
        values[i] += np.log2(0.5 + 0.5 * 2 ** (means[other] - means[cells[i]]))
    found, _ = find(values, cells)
    assert {o.sample: o.kind for o in found} == dict.fromkeys(odd, "mixture")
