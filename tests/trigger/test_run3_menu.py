"""The menu `run3` against the names of its seeds: read by a grammar of their own, decided by trying every assignment of objects."""

import re
from dataclasses import dataclass, field, replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from l1ae.config import TriggerConfig, named_menu
from l1ae.data import Events
from l1ae.inputs import named_layout
from l1ae.trigger import Menu, cut_seed, expressed, fired_cuts, possible_seeds

RUN3, FULL = named_menu("run3"), named_layout("ugt_full")
NAMES = [line for line in (Path(__file__).parent / "seeds_2025.txt").read_text().splitlines() if not line.startswith("#")]


@dataclass(frozen=True)
class Wanted:
    """One object that a name asks for. Energies in GeV."""

    pt: float
    eta: float | None = None
    quality: int = 0
    isolation: int = 0


@dataclass
class Combination:
    """Different objects of one kind that a name asks for."""

    group: str
    count: int
    objects: list[Wanted] = field(default_factory=list)
    deta: float | None = None


KINDS = {"Mu": "mu", "EG": "eg", "Tau": "tau", "Jet": "jet", "LLPJet": "jet", "HTT": "htt", "ETT": "ett", "ETM": "met", "ETMHF": "met_hf"}
COUNTS = {"": 1, "Single": 1, "Double": 2, "Triple": 3, "Quad": 4}
HEAD = re.compile(
    r"(?P<count>Single|Double|Triple|Quad|)(?P<iso>LooseIso|Iso|)(?P<kind>Mu|EG|Tau|Jet|LLPJet|HTT|ETT|ETMHF|ETM)(?P<pt>[\dp]+|)(?P<er>er[\dp]*|)"
)
ISOLATION = {"": 0, "Iso": 0b01, "LooseIso": 0b10}


def number(text):
    return float(text.replace("p", "."))


def parse(name):
    """Combinations that a name asks for; ValueError where it asks for what this grammar does not know."""
    found = []
    tokens = name.split("_")
    for k, token in enumerate(tokens):
        last = found[-1] if found else None
        if head := HEAD.fullmatch(token):
            item = Combination(KINDS[head["kind"]], COUNTS[head["count"]])
            one = Wanted(0, None, int(head["kind"] == "LLPJet"), ISOLATION[head["iso"]])
            if head["er"] and head["kind"] != "HTT":
                one = replace(one, eta=number(head["er"][2:]))
            if head["pt"]:
                item.objects = [replace(one, pt=number(head["pt"]))] * item.count
            elif one != Wanted(0):
                raise ValueError(f"{token} has no threshold")
            found.append(item)
        elif last is None:
            raise ValueError(f"{name} begins with {token}")
        elif leg := re.fullmatch(r"(LooseIso|Iso|)(\d[\dp]*)", token):
            last.objects.append(Wanted(number(leg[2]), None, 0, ISOLATION[leg[1]]))
        elif er := re.fullmatch(r"er([\dp]+)", token):
            last.objects = [replace(one, eta=number(er[1])) if one.eta is None else one for one in last.objects]
        elif token == "SQ" and last.group == "mu":
            last.objects = [replace(one, quality=12) for one in last.objects]
        elif token == "dEta" and re.fullmatch(r"Max\d[\dp]*", tokens[k + 1]):
            last.deta = number(tokens[k + 1][3:])
        elif not (token.startswith("Max") and tokens[k - 1] == "dEta"):
            raise ValueError(f"{token} of {name} is not known")
    if any(len(item.objects) != item.count for item in found):
        raise ValueError(f"{name} has another number of thresholds than of objects")
    return found


def test_every_seed_is_expressed_or_says_why_not():
    expressed = [seed.name for seed in RUN3.seeds]
    others = [name for names in RUN3.not_expressed.values() for name in names]
    assert len(NAMES) == 178
    assert sorted(expressed + others) == sorted(NAMES)


def test_what_the_grammar_of_names_reads_is_in_the_menu_and_nothing_else():
    def readable(name):
        try:
            return bool(parse(name))
        except ValueError:
            return False

    assert {name for name in NAMES if readable(name)} == {seed.name for seed in RUN3.seeds}


def fits(values, wanted):
    """Whether an object, (pT, lower edge, upper edge of its bin in eta, quality, isolation), is what was asked for."""
    pt, low, high, quality, isolation = values
    inside = wanted.eta is None or (low < wanted.eta and high > -wanted.eta)
    isolated = wanted.isolation == 0 or (isolation & wanted.isolation) != 0
    return pt >= wanted.pt and inside and quality >= wanted.quality and isolated


def accepts(objects, combination):
    for some in permutations(objects, combination.count):
        close = combination.deta is None or abs(some[0][1] - some[1][1]) <= combination.deta + 1e-12
        if close and all(fits(values, wanted) for values, wanted in zip(some, combination.objects, strict=True)):
            return True
    return False


class Drawn:
    """Random events with objects around the thresholds of one combination, and what is in them."""

    def __init__(self, rng):
        self.rng, self.hardware, self.objects = rng, np.zeros((1, FULL.size), FULL.dtype), {}

    def add(self, combination):
        group = FULL[combination.group]
        names = [feature.name for feature in group.features]
        block = FULL.block(self.hardware, group.name)[0]
        taken = self.objects.setdefault(group.name, [])
        rows = [self._row(group, wanted) for wanted in combination.objects]
        rows += [self._row(group, rows and combination.objects[0])] * int(self.rng.random() < 0.3)
        for row in rows[: group.slots - len(taken)]:
            block[len(taken)] = [row.get(name, 0) for name in names]
            eta, lsb = row.get("eta", 0), group["eta"].lsb if "eta" in names else 0.0
            pt = (row["pt"] - group["pt"].origin) * group["pt"].lsb
            taken.append((pt, eta * lsb, (eta + 1) * lsb, row.get("quality", 0), row.get("isolation", 0)))

    def _row(self, group, wanted):
        rng, names = self.rng, [feature.name for feature in group.features]
        energy = group["pt"]
        step = int(rng.choice([-1, 0, 0, 1, 3, 20]))
        row = {"pt": min(round(wanted.pt / energy.lsb) + energy.origin + step, energy.range[1])}
        if "eta" in names:
            edge = (wanted.eta or 1.0) / group["eta"].lsb
            row["eta"] = int(rng.choice([-edge - 1, -edge, 0, 1, edge / 3, edge - 1, edge, edge + 1]))
        if "quality" in names:
            row["quality"] = int(rng.choice([0, 1]) if group.name == "jet" else rng.choice([8, 11, 12, 12, 13, 15]))
        if "isolation" in names:
            row["isolation"] = int(rng.integers(0, 4))
        return row


@pytest.mark.parametrize("seed", RUN3.seeds, ids=lambda seed: seed.name)
def test_a_seed_decides_as_its_name_says(seed):
    rng = np.random.default_rng([17, *seed.name.encode()])
    wanted, cut, again = parse(seed.name), cut_seed(seed, FULL), fired_cuts([seed], FULL)
    decisions = []
    for _ in range(120):
        drawn = Drawn(rng)
        for combination in wanted:
            drawn.add(combination)
        expected = all(accepts(drawn.objects[item.group], item) for item in wanted)
        assert cut.accepts(drawn.hardware).tolist() == [expected]
        assert bool(again(_events(drawn.hardware), 0)) is expected
        decisions.append(expected)
    assert 3 <= sum(decisions) <= 117


def _events(hw):
    count = len(hw)
    return Events(hw, np.zeros(count, np.int16), np.arange(count), np.full(count, -1, np.int16), {})


@pytest.mark.parametrize(("name", "count"), [("ugt", 61), ("ugt_full", 108), ("cms_l1_record", 68), ("gelato", 49), ("p2gt", 41)])
def test_both_computations_name_the_same_seeds_in_every_layout(name, count):
    """Soft random events; only of ugt_full all objects that the menu asks for are there."""
    layout, rng = named_layout(name), np.random.default_rng(43)
    low, high = layout.code_range
    hw = rng.integers(low, high + 1, (400, layout.size))
    for column in layout.columns:
        if column.feature.role == "energy":
            scale = 200 if column.group.slots == 1 else 25
            soft = rng.exponential(scale / column.feature.lsb, 400).astype(int)
            hw[:, column.number] = np.where(rng.random(400) < 0.4, 0, np.minimum(soft, high[column.number]))
        elif column.feature.role == "eta":
            hw[:, column.number] //= 2
    events = _events(np.where(layout.mask(hw), hw, 0).astype(layout.dtype))
    seeds, _ = possible_seeds(TriggerConfig(), layout)
    assert len(seeds) == count
    decisions = Menu("cuts", tuple(cut_seed(seed, layout) for seed in seeds)).decide(events)
    fired = fired_cuts(seeds, layout)
    for i in range(len(events)):
        assert {seed.name for seed, yes in zip(seeds, decisions[i], strict=True) if yes} == fired(events, i)
    assert decisions.any(axis=0).sum() > 0.5 * count


def test_sums_that_the_inputs_do_not_have_are_named_after_what_stands_in():
    seeds, left_out = possible_seeds(TriggerConfig(), named_layout("ugt"))
    legs = {seed.name: seed.all for seed in seeds}
    (jets,) = legs["JetHT360er"]
    assert (jets.object, jets.pt, jets.eta, jets.sum) == ("jet", (30.0,), 2.5, 360.0)
    assert [(leg.object, leg.pt, leg.sum) for leg in legs["MET90_JetHT60er"]] == [("met", (90.0,), None), ("jet", (30.0,), 60.0)]
    assert not any("HTT" in name or "ETMHF" in name for name in legs)
    assert "there is no group 'met_hf': seeds with ETMHF, for which MET of 'met' stands" in left_out
    assert possible_seeds(TriggerConfig(), FULL) == (RUN3.seeds, ())


def test_a_quality_of_other_codes_is_not_taken_for_that_of_the_menu():
    """In the Phase-2 trigger six flags."""
    seeds, left_out = possible_seeds(TriggerConfig(), named_layout("p2gt"))
    assert not any("SQ" in seed.name for seed in seeds)
    (text,) = (text for text in left_out if text.startswith("quality of 'mu' has 6 bits, whose codes are not the menu's of 4: "))
    assert text.count("SQ") == 12


def test_a_seed_that_asks_for_quality_or_isolation_is_not_made_looser():
    seeds, left_out = possible_seeds(TriggerConfig(), named_layout("ugt"))
    assert not any("SQ" in seed.name or "Iso" in seed.name for seed in seeds)
    (quality,) = (text for text in left_out if text.startswith("it cuts on quality, which 'mu' does not have: "))
    assert quality.count("SQ") == 13


@pytest.mark.parametrize(("name", "as_named", "stand_ins"), [("ugt", 32, 29), ("ugt_full", 108, 0), ("cms_l1_record", 48, 20)])
def test_what_a_layout_expresses_is_counted_by_name(name, as_named, stand_ins):
    """The figures of docs/trigger.md."""
    layout = named_layout(name)
    found = expressed("run3", layout)
    assert (len(found.as_named), len(found.stand_ins), len(found.not_expressed), found.total) == (as_named, stand_ins, 70, 178)
    assert {*found.as_named, *found.stand_ins} == {seed.name for seed in possible_seeds(TriggerConfig(), layout)[0]}
    assert {*found.as_named, *found.left_out, *found.not_expressed} <= set(NAMES)
    missing = [word for word, group in (("HTT", "htt"), ("ETMHF", "met_hf")) if group not in layout]
    asked = [name for name in NAMES if any(word in name for word in missing)]
    assert len(stood := set(asked) - {*found.left_out, *found.not_expressed}) == stand_ins
    assert {name.replace("HTT", "JetHT").replace("ETMHF", "MET" if "ETMHF" in missing else "ETMHF") for name in stood} == set(
        found.stand_ins
    )
    page = (Path(__file__).parents[2] / "docs" / "trigger.md").read_text()
    assert f"| `{name}` | {as_named} | {stand_ins} | {len(found.left_out)} |" in page
