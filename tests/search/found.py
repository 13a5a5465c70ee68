"""Trials and the front of a small study, made by hand."""

from l1ae.evaluation import Estimate
from l1ae.search import Counts, Front, FrontPoint, Objective, Trial, Verified

from .conftest import measured

BASES = ({"model.density.trees.0.smoothing": 1e-5, "model.density.trees.0.populated": 10}, {"model.pair_tables.epochs": 8})
SMOOTHING, EPOCHS = "model.density.trees.0.smoothing", "model.pair_tables.epochs"


def trial(number: int, model: str, parameters: dict, found: tuple | None, *, state="complete", reason="", reported=None) -> Trial:
    one = () if found is None else (measured(*found, reported=reported),)
    return Trial(number, model, parameters, parameters, state, 0, one, reason, 60.0)


def tree(number: int, smoothing: float, *found: float, **more) -> Trial:
    return trial(number, "tree", {SMOOTHING: smoothing, "model.density.trees.0.populated": 3}, found, **more)


TRIALS = (
    trial(0, "tree", BASES[0], (0.08, 320.0), reported=0.079),
    trial(1, "pairs", BASES[1], (0.12, 1100.0), reported=0.10),
    tree(2, 1e-3, 0.09, 300.0, reported=0.07),
    tree(3, 1e-4, 0.20, 6000.0, reported=0.18),
    tree(4, 2e-4, 0.05, 2000.0, reason="others had found more with as many epochs"),
    trial(5, "pairs", {EPOCHS: 9}, None, state="refused", reason="lut: 7,200 to 9,000 (90 %) is beyond the budget of 5,000"),
    trial(6, "pairs", {EPOCHS: 3}, None, state="refused", reason="lut: 7,100 to 8,000 (90 %) is beyond the budget of 5,000"),
    trial(7, "tree", {SMOOTHING: 5e-3}, None, state="failed", reason="ran out of memory"),
    trial(8, "pairs", BASES[1], None, state="repeated", reason="as trial 1"),
)


def point(number: int, kind: str, **more) -> FrontPoint:
    one = TRIALS[number].measured[0]
    values = (one.chosen.points[0].mean, Estimate(one.cost.luts_packed.value, one.cost.luts_packed.low, one.cost.luts_packed.high))
    name = f"tiny_{number:04d}"
    reported = (one.reported.points[0].mean, None)
    return FrontPoint(
        name, number, TRIALS[number].model, kind, {}, one.digest, 1, values, reported, f"front/{name}.yaml", more.get("verified")
    )


MADE = Verified("front/tiny_0001", "d" * 64, True, 5000, 0, 1000, 0, 987, 400, 1, 25.0, 11.25, 13.5, True, ())
FRONT = Front(
    "tiny",
    (Objective("mean efficiency at 1 kHz pure", True), Objective("LUT, packed", False)),
    {"lut": 5000.0, "latency_ns": 25.0},
    Counts(5, 1, 2, 1, 1),
    {"lut: … to … (90 …": 2, "ran out of memory": 1},
    (point(1, "pairs", verified=MADE), point(2, "trees")),
    {"tree": {"mean efficiency at 1 kHz pure": {SMOOTHING: 0.75, "model.density.trees.0.populated": 0.25}}},
    540.0,
)
