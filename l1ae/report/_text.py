"""Numbers and names as a reader wants them."""

from pathlib import Path

from l1ae.config import Config
from l1ae.evaluation import Estimate, format_estimate
from l1ae.families import Body, Front, find_score
from l1ae.tables import used_columns

__all__ = [
    "architecture",
    "bytes_digest",
    "count",
    "missing",
    "number",
    "percent",
    "power",
    "sample",
    "score_text",
    "seconds",
]

IMPORTED_SCORE = "the number that the imported network computes"

SAMPLES = {
    "background": "Background",
    "a4l": "A → 4ℓ",
    "lq": "LQ → bτ",
    "h0": "h⁰ → ττ",
    "hc": "h± → τν",
    "hcpair": "h⁺h⁻ → τντν",
}


def architecture(config: Config) -> str:
    """Kind and layer sizes, for example `dense autoencoder 57-32-16-3-16-32-57`; `4@3×3` is a convolution of 4 filters."""
    model, family = config.model, config.model.family
    if model.source is not None:
        return f"{family.title} {Path(model.source).name}"
    inputs = config.inputs.columns.size
    if family.tabular:
        columns, trees = len(used_columns(config)), len(model.density.trees)
        if family.body is not Body.DENSITY:
            return f"{family.title} {columns} columns"
        return f"density tree of {columns} columns" if trees == 1 else f"forest of {trees} density trees of {columns} columns"
    nodes: list[object] = [inputs, *(f"{layer.filters}@{layer.kernel[0]}×{layer.kernel[1]}" for layer in model.convolutions)]
    if family.front is Front.OBJECTS:
        nodes.append("+".join(f"{n} per object" for n in model.objects))
    if family.body is Body.FEATURES:
        nodes += [*model.extractor, model.features]
    nodes += model.encoder
    nodes.append(1 if family.body is Body.STUDENT else model.latent)
    if family.body in {Body.AUTOENCODER, Body.FEATURES}:
        nodes += [*model.decoder, *(f"{layer.filters}@{layer.kernel[0]}×{layer.kernel[1]}" for layer in model.deconvolutions)]
        nodes.append(model.features if family.body is Body.FEATURES else inputs)
    return f"{family.title} {'-'.join(str(n) for n in nodes)}"


def score_text(config: Config) -> str:
    """What the score is."""
    own = config.model.family.imported and config.model.score == "output"
    return IMPORTED_SCORE if own else find_score(config.model.score).text


def sample(name: str) -> str:
    """A sample's name for people, with its short name when the two differ."""
    return f"{SAMPLES[name]} ({name})" if name in SAMPLES and name != "background" else SAMPLES.get(name, name)


def count(value: float) -> str:
    """A whole number with thousands separators."""
    return f"{value:,.0f}"


def number(value: float | None, unit: str = "", digits: int = 6) -> str:
    """A number with its unit, or `not in the report`."""
    if value is None:
        return "not in the report"
    text = f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"
    return (text + (f" {unit}" if unit else "")).replace("-", "−")


def percent(estimate: Estimate) -> str:
    """A fraction in percent with its error."""
    text = format_estimate(estimate, 0.01)
    return f"({text}) %" if "±" in text or "+" in text else f"{text} %"


def power(rate: float) -> str:
    """A rate as a power of ten where it is one, for example 10⁻³."""
    exponent = f"{rate:.0e}".split("e")[1]
    if float(f"1e{exponent}") != rate:
        return f"{rate:g}"
    return "10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def seconds(value: float) -> str:
    """A duration: `0.4 s`, `37 s`, `3 min 12 s`."""
    if value < 10:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def bytes_digest(digest: str) -> str:
    """The first twelve digits of a sha256."""
    return digest.removeprefix("sha256:")[:12] + "…" if len(digest) > 13 else digest


def missing(what: str, command: str) -> str:
    """The sentence for a stage that has not been run."""
    return f"{what} has not been run. Run “{command}”, then “l1ae report” again."
