"""Numbers and names as a reader wants them."""

from pathlib import Path

from l1ae.config import Config
from l1ae.evaluation import Estimate, format_estimate

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

ARCHITECTURES = {
    "dense_ae": "dense autoencoder",
    "dense_vae": "encoder of a dense variational autoencoder",
    "conv_ae": "convolutional autoencoder",
    "conv_vae": "encoder of a convolutional variational autoencoder",
    "set_ae": "autoencoder on sets of objects",
    "set_vae": "encoder of a variational autoencoder on sets of objects",
    "latent_ae": "feature extractor with an autoencoder on its features",
    "student": "student of a larger autoencoder",
    "imported": "network imported from",
}

SCORES = {
    "squared_error": "the squared difference between the event and its reconstruction",
    "absolute_error": "the absolute difference between the event and its reconstruction",
    "latent_error": "the squared distance between the event's learned features and their reconstruction",
    "output": "the network's only output, which imitates the reconstruction error of a larger autoencoder",
    "rz": "the sum of the squared latent means, each divided by its variance",
    "mu2": "the sum of the squared latent means",
    "kl": "the Kullback-Leibler divergence of the latent distribution from a unit Gaussian",
}

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
    model = config.model
    if model.source is not None:
        return f"{ARCHITECTURES[model.architecture]} {Path(model.source).name}"
    inputs = config.inputs.selected.size
    nodes: list[object] = [inputs, *(f"{layer.filters}@{layer.kernel[0]}×{layer.kernel[1]}" for layer in model.convolutions)]
    if model.architecture.startswith("set_"):
        nodes.append("+".join(f"{n} per object" for n in model.objects))
    if model.architecture == "latent_ae":
        nodes += [*model.extractor, model.features]
    nodes += model.encoder
    nodes.append(1 if model.architecture == "student" else model.latent)
    if model.architecture.endswith("_ae"):
        nodes += [*model.decoder, *(f"{layer.filters}@{layer.kernel[0]}×{layer.kernel[1]}" for layer in model.deconvolutions)]
        nodes.append(model.features if model.architecture == "latent_ae" else inputs)
    return f"{ARCHITECTURES[model.architecture]} {'-'.join(str(n) for n in nodes)}"


def score_text(config: Config) -> str:
    """What the score is."""
    own = config.model.architecture == "imported" and config.model.score == "output"
    return IMPORTED_SCORE if own else SCORES[config.model.score]


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
