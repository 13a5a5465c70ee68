import numpy as np
import pytest

from l1ae.delivery._ugt_vectors import (
    ORBIT,
    Filling,
    WorkingPoint,
    compare_orbit,
    orbits,
    read_orbit,
    read_scores,
    working_points,
    write_orbit,
    write_scores,
)
from l1ae.errors import UserError

from .every_input import every_input_contract
from .tiny import tiny_contract, tiny_events

SMALL = Filling(crossings=12, colliding=6, train=3, abort_gap=2)
POINTS = (WorkingPoint(0, "tight", 1200), WorkingPoint(5, "loose", 600), WorkingPoint(511, "all", 0))


@pytest.fixture(scope="module")
def orbit():
    return next(orbits(tiny_contract(), tiny_events(6), POINTS, SMALL))


def test_an_orbit_has_trains_and_an_abort_gap():
    pattern = Filling().pattern
    assert (len(pattern), pattern.sum()) == (ORBIT, 2544)
    assert not pattern[-119:].any()
    starts = np.flatnonzero(np.diff(np.concatenate([[0], pattern.astype(int)])) == 1)
    np.testing.assert_array_equal(starts, 65 * np.arange(53))
    assert pattern[:48].all()
    assert not pattern[48:65].any()


@pytest.mark.parametrize("colliding", [1, 47, 48, 49, 2000, 2544, 3300, ORBIT])
def test_any_number_of_crossings_collides(colliding):
    assert Filling(colliding=colliding).pattern.sum() == colliding


def test_more_collisions_than_crossings_are_refused():
    with pytest.raises(UserError, match="13 colliding of 12 crossings"):
        Filling(crossings=12, colliding=13)


def test_a_line_is_as_the_format_says(orbit):
    """Independent of the writer: words and columns as text."""
    events, lines = tiny_events(6), orbit.vectors.decode().splitlines()
    scores = tiny_contract().evaluate_reference(np.concatenate([events, np.zeros((1, 57), np.int64)]))["score"][:, 0]
    where = [0, 1, 2, 5, 6, 7]
    assert len(lines) == 12
    for crossing, line in enumerate(lines):
        parts = line.split(" ")
        assert [len(part) for part in parts] == [4, *[16] * 8, *[8] * 48, 64, 128, 1]
        event = events[where.index(crossing)] if crossing in where else np.zeros(57, np.int64)
        score = int(scores[where.index(crossing)] if crossing in where else scores[6])
        assert parts[0] == f"{crossing:04d}"
        pt, eta, phi = event[15:18].tolist()
        assert parts[1] == f"{(eta % 512) << 23 | pt << 10 | phi:016x}"
        assert parts[9 + 24] == f"{event[29] << 19 | (event[28] % 256) << 11 | event[27]:08x}"
        assert parts[9 + 38] == f"{event[2] << 12 | event[0]:08x}"
        bits = (score >= 1200) << 0 | (score >= 600) << 5 | 1 << 511
        assert parts[58] == f"{int(bits):0128x}"
        assert parts[57] == "0" * 64
        assert parts[59] == "1"


def test_an_empty_crossing_is_answered_as_an_event_of_zeros():
    contract = tiny_contract(threshold=1)
    assert contract.evaluate(np.zeros((1, 57), np.int64))["trigger"][0, 0] == 1
    found = read_orbit(next(orbits(contract, tiny_events(6), working_points(contract, None), SMALL)).vectors)
    empty = ~SMALL.pattern
    assert not any(found.objects.of(kind)[empty].any() for kind in ("muons", "egammas", "taus", "jets", "sums"))
    assert found.algorithms[empty, 0].all()
    assert found.final_or[empty].all()


def test_what_was_written_is_read(orbit):
    found = read_orbit(orbit.vectors)
    assert write_orbit(found) == orbit.vectors
    np.testing.assert_array_equal(found.index, np.arange(12))
    assert set(np.flatnonzero(found.algorithms.any(axis=0))) <= {0, 5, 511}
    index, scores = read_scores(tiny_contract(), orbit.scores)
    np.testing.assert_array_equal(index, np.arange(12))
    np.testing.assert_array_equal(scores[SMALL.pattern], tiny_contract().evaluate(tiny_events(6))["score"][:, 0])


def test_events_go_on_in_the_next_orbit():
    contract, events = tiny_contract(), tiny_events(16)
    found = list(orbits(contract, events, POINTS, SMALL))
    assert [orbit.events for orbit in found] == [6, 6, 4]
    read = np.concatenate([read_scores(contract, orbit.scores)[1][SMALL.pattern] for orbit in found])
    np.testing.assert_array_equal(read[:16], contract.evaluate(events)["score"][:, 0])
    np.testing.assert_array_equal(read[16:], contract.evaluate(np.zeros((2, 57), np.int64))["score"][:, 0])


def test_files_agree_with_the_contract(orbit):
    found = compare_orbit(tiny_contract(), POINTS, orbit.vectors, orbit.scores)
    assert (found.crossings, found.differing, found.first) == (12, 0, None)


def change(content: bytes, line: int, column: int, new: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    assert lines[line][column : column + len(new)] != new
    lines[line] = lines[line][:column] + new + lines[line][column + len(new) :]
    return b"".join(lines)


def test_a_changed_algorithm_bit_is_found(orbit):
    algorithms = 4 + 8 * 17 + 48 * 9 + 65 + 1
    changed = change(orbit.vectors, 7, algorithms, b"0")
    found = compare_orbit(tiny_contract(), POINTS, changed, orbit.scores)
    assert (found.bits, found.final_or, found.scores, found.first) == (1, 0, 0, 7)


def test_a_changed_final_or_is_found(orbit):
    found = compare_orbit(tiny_contract(), POINTS, change(orbit.vectors, 3, 768 - 1, b"0"), orbit.scores)
    assert (found.bits, found.final_or, found.scores, found.first) == (0, 1, 0, 3)


def test_a_changed_score_is_found(orbit):
    found = compare_orbit(tiny_contract(), POINTS, orbit.vectors, change(orbit.scores, 2 + 5, 9, b"7"))
    assert (found.bits, found.final_or, found.scores, found.first) == (0, 0, 1, 5)


def test_a_crossing_that_is_wrong_in_all_respects_counts_once(orbit):
    vectors = change(change(orbit.vectors, 5, 4 + 8 * 17 + 48 * 9 + 65 + 1, b"7"), 5, 768 - 1, b"0")
    found = compare_orbit(tiny_contract(), POINTS, vectors, change(orbit.scores, 2 + 5, 9, b"7"))
    assert (found.bits, found.final_or, found.scores) == (1, 1, 1)
    assert (found.crossings, found.differing, found.first) == (12, 1, 5)


def test_another_contract_disagrees(orbit):
    assert compare_orbit(tiny_contract(seed=6), POINTS, orbit.vectors, orbit.scores).differing > 5


def test_a_threshold_above_instead_of_at_is_found():
    contract, events = tiny_contract(), tiny_events(6)
    at = int(contract.evaluate(events)["score"][2, 0])
    made = next(orbits(contract, events, (WorkingPoint(0, "at", at),), SMALL))
    assert read_orbit(made.vectors).algorithms[2, 0]
    assert compare_orbit(contract, (WorkingPoint(0, "above", at + 1),), made.vectors, made.scores).bits >= 1


@pytest.mark.parametrize("objects", [(0, 1), (9, 10), (33, 34), (47, 46)], ids=["muons", "egammas", "jets", "sums"])
def test_objects_in_the_wrong_slot_are_found(objects):
    contract, events = every_input_contract(), tiny_events(2000)
    made = next(orbits(contract, events, POINTS))
    a, b = (slice(5 + 17 * k, 5 + 17 * k + 16) if k < 8 else slice(141 + 9 * (k - 8), 141 + 9 * (k - 8) + 8) for k in objects)
    lines = np.frombuffer(made.vectors, np.uint8).reshape(ORBIT, -1).copy()
    lines[:, a], lines[:, b] = lines[:, b].copy(), lines[:, a].copy()
    assert compare_orbit(contract, POINTS, lines.tobytes(), made.scores).scores > 100


def test_a_damaged_file_is_named(orbit):
    with pytest.raises(UserError, match=r"a\.txt: line 3, column 6: 'g' is not a hexadecimal digit"):
        read_orbit(change(orbit.vectors, 2, 5, b"g"), "a.txt")
    with pytest.raises(UserError, match=r"a\.txt: line 1, column 5: '0' is not a separator"):
        read_orbit(change(orbit.vectors, 0, 4, b"0"), "a.txt")
    with pytest.raises(UserError, match="line 2: the crossing is not a decimal number"):
        read_orbit(change(orbit.vectors, 1, 3, b"a"), "a.txt")
    with pytest.raises(UserError, match="line 2: the final OR is neither 0 nor 1"):
        read_orbit(change(orbit.vectors, 1, 767, b"2"), "a.txt")
    with pytest.raises(UserError, match="lines of 769 characters"):
        read_orbit(orbit.vectors[:-1], "a.txt")
    with pytest.raises(UserError, match="first two lines must be comments"):
        read_scores(tiny_contract(), orbit.scores.split(b"\n", 2)[2])
    with pytest.raises(UserError, match="crossings are not those of the file of scores"):
        compare_orbit(tiny_contract(), POINTS, change(orbit.vectors, 1, 3, b"9"), orbit.scores)


def test_working_points_without_a_threshold_have_no_bit():
    given = {
        "working_points": [{"name": "0.001kHz", "threshold": None}, {"name": "1kHz", "threshold": 50}, {"name": "3kHz", "threshold": 40}]
    }
    assert working_points(tiny_contract(), given) == (WorkingPoint(0, "1kHz", 50), WorkingPoint(1, "3kHz", 40))
    assert working_points(tiny_contract(), None) == (WorkingPoint(0, "default", 900),)
    many = {"working_points": [{"name": f"{k}", "threshold": k} for k in range(513)]}
    with pytest.raises(UserError, match="513 working points do not fit into 512 algorithm bits"):
        working_points(tiny_contract(), many)


def test_signed_scores_survive():
    contract, events = every_input_contract(), tiny_events(200)[:6]
    made = next(orbits(contract, events, working_points(contract, None), SMALL))
    _, scores = read_scores(contract, made.scores)
    assert scores.min() < 0 < scores.max()
    np.testing.assert_array_equal(scores[SMALL.pattern], contract.evaluate(events)["score"][:, 0])
    assert compare_orbit(contract, working_points(contract, None), made.vectors, made.scores).differing == 0
    extremes = np.array([-8192, -1, 0, 8191])
    np.testing.assert_array_equal(read_scores(contract, write_scores(contract, np.arange(4), extremes))[1], extremes)


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_hundred_thousand_events_differ_nowhere():
    contract, events = tiny_contract(), np.tile(tiny_events(10_000), (10, 1))
    found = [compare_orbit(contract, POINTS, orbit.vectors, orbit.scores) for orbit in orbits(contract, events, POINTS)]
    assert len(found) == 40
    assert sum(difference.differing for difference in found) == 0
