"""Published trigger networks, as configurations of ours with the same shape and widths, and what was published of them."""

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["DEPLOYED", "NOT_RUN", "RECORDED", "SYSTEMS", "Published", "Recorded", "System"]

CONFIGS = Path(__file__).parent.parent / "configs"
VU9P, VX690T = "xcvu9p-flga2104-2L-e", "xc7vx690tffg1927-2"


@dataclass(frozen=True)
class Published:
    """LUT as a number or as a percentage of the part, DSP blocks, latency in ns; None where nothing was published.

    `uncertain`: the source gives the figure only approximately, or we know it at second hand.
    """

    stage: str
    lut: int | None = None
    lut_percent: float | None = None
    dsp: str | None = None
    nanoseconds: float | None = None
    uncertain: bool = False


@dataclass(frozen=True)
class System:
    """A published network and the configuration that has its shape. `unknown`: what its sources do not say."""

    name: str
    title: str
    shape: str
    config: str
    period: float
    part: str
    published: Published
    overrides: tuple[str, ...] = field(default=())
    unknown: str = ""


_HLS = "HLS estimate"
_CMS_WIDTH = "widths of v1 and v4 are not in the sources that we have: 8 bit as in arXiv:2108.03986"

SYSTEMS = (
    System(
        "ugt_v5", "CMS uGT v5, distributed arithmetic", "57-29-10, 10-9-6-4-6-9-10, squared distance, weights 5 bit", "cms_like", 25.0,
        VX690T, Published(_HLS, lut=37580, dsp="0", nanoseconds=50.0),
        unknown="5 % of the part (21,660 LUT) after implementation is published too, and an estimated clock of 33.4 ns",
    ),
    System(
        "ugt_v6", "CMS uGT v6, distributed arithmetic", "as v5", "cms_like", 25.0, VX690T,
        Published(_HLS, lut=37843, dsp="0", nanoseconds=50.0), unknown="taken as the same network as v5",
    ),
    System(
        "dnn_vae", "arXiv:2108.03986 DNN VAE", "57-32-16-3, KL, 8 bit", "dnn_vae", 5.0, VU9P,
        Published(_HLS, lut_percent=3.0, dsp="~1 % ?", nanoseconds=80.0, uncertain=True),
    ),
    System(
        "ugt_v1", "CMS uGT v1", "57-32-16-13, sum mu²", "vae_mu2", 25.0, VX690T, Published(_HLS, lut=33341, dsp="0", nanoseconds=50.0),
        ("model.latent=13",), _CMS_WIDTH,
    ),
    System(
        "ugt_v3", "CMS uGT v3", "57-32-16-8, sum mu², 6 bit", "vae_mu2", 25.0, VX690T,
        Published(_HLS, lut=72340, dsp="0", nanoseconds=50.0),
        ("model.latent=8", "model.weight_bits=6", "model.activation_bits=6"), "6 bit: weights and hidden activations",
    ),
    System(
        "ugt_v4", "CMS uGT v4", "57-28-15-8, sum mu²", "vae_mu2", 25.0, VX690T, Published(_HLS, lut=70515, dsp="0", nanoseconds=50.0),
        ("model.latent=8", "model.encoder=[28,15]"), _CMS_WIDTH,
    ),
    System(
        "dnn_ae", "arXiv:2108.03986 DNN AE", "57-32-16-3-16-32-57, squared error, 8 bit", "dnn_ae", 5.0, VU9P,
        Published(_HLS, lut_percent=5.0, dsp="~2 % ?", nanoseconds=130.0, uncertain=True),
    ),
    System(
        "cicada", "CMS CICADA v2.2", "18x14 image, conv 2x2x4, dense 16, 1", "cicada_student", 6.25, VX690T,
        Published("published, less than; II 4", nanoseconds=200.0), unknown="no resources are published; ours takes one event per clock",
    ),
    System(
        "cnn_vae", "arXiv:2108.03986 CNN VAE", "19x3 image, two convolutions, KL, 8 bit", "cnn_vae", 5.0, VU9P,
        Published(_HLS, lut_percent=12.0, nanoseconds=365.0, uncertain=True),
    ),
    System(
        "cnn_ae", "arXiv:2108.03986 CNN AE", "19x3 image, convolutions and deconvolutions, 8 bit", "cnn_ae", 5.0, VU9P,
        Published(_HLS, lut_percent=47.0, nanoseconds=1480.0, uncertain=True),
    ),
)  # fmt: skip

# system, what was published, why there is no run of ours
NOT_RUN = (
    (
        "Flow-matching student (HGQ and da4ml, xcu250)",
        "12,069 LUT, 5,162 FF, 0 DSP, 12 stages; da4ml estimate",
        "its layers and widths are learned, and not in the sources that we have",
    ),
    (
        "Tree autoencoder (fwX, VU9P)",
        "~1 % LUT, 0 DSP, 25 to 30 ns; published",
        "decision trees: not a network of the kind that l1ae makes",
    ),
    (
        "PicoCal AE (PolarFire, 160 MHz)",
        "32 to 2, 10 bit: 3.1 % LUT, 25 ns; published",
        "a part of another vendor with LUTs of four inputs, which l1ae does not synthesise for",
    ),
    (
        "Jet tagging (HGQ-LUT, VU13P)",
        "76.9 %: 5,667 LUT, 0 DSP, 9.2 ns; published",
        "not an anomaly trigger, and its trained weights are not in the sources that we have",
    ),
)


@dataclass(frozen=True)
class Recorded:
    """A comparison that was made once on a machine that had the archive, with yosys 0.70 called as `l1ae synth` does."""

    design: str
    quantity: str
    vivado: float
    stage: str
    ours: float
    unit: str = ""


RECORDED = (
    Recorded("pipelined", "LUT as logic, raw", 4635, "synthesised", 5513),
    Recorded("pipelined", "LUT as logic, raw", 5640, "routed", 5513),
    Recorded("pipelined", "FF", 3420, "routed", 4175),
    Recorded("pipelined", "CARRY8 (ours: CARRY4 / 2)", 666, "routed", 749.5),
    Recorded("pipelined", "DSP", 80, "routed", 80),
    Recorded("pipelined", "slowest path, typical", 3.66, "routed", 3.44, "ns"),
    Recorded("not pipelined", "LUT as logic, raw", 4337, "as reported", 6314),
)

# Packed LUTs of our RTL with the weights that CMS published without a licence file, and the HLS estimate for the deployed firmware.
DEPLOYED = (
    ("CMS uGT v1", 8200, 33300),
    ("CMS uGT v3", 14100, 72300),
    ("CMS uGT v4", 11300, 70500),
    ("CMS uGT v5", 17500, 37600),
    ("CMS uGT v6", 17300, 37800),
)
