"""Which dense layers a configured network has, their names, and how they are connected.

The names are the ones that every later stage (contract, HLS project, RTL, reports) uses.
"""

from dataclasses import dataclass

from l1ae.config import Config
from l1ae.inputs import FixedFormat

__all__ = ["INPUTS", "DenseStep", "activation_fraction", "decoder_plan", "firmware_plan", "output_steps"]

INPUTS = "inputs"
"""Name of the input layer."""


@dataclass(frozen=True)
class DenseStep:
    """One dense layer with what follows it.

    `source` is the step whose activation feeds it (`INPUTS` for the first). `hidden` steps end in a ReLU, the others
    are linear. `bits` is the width of the activation quantizer called `activation`.
    """

    name: str
    units: int
    source: str
    hidden: bool
    bits: int

    @property
    def activation(self) -> str:
        """Name of the layer that follows the dense layer: a ReLU, or a plain quantizer."""
        return f"{self.name}_relu" if self.hidden else f"{self.name}_q"

    @property
    def batch_norm(self) -> str:
        """Name of the BatchNormalization that the float network may have in between."""
        return f"{self.name}_bn"


def _hidden(prefix: str, sizes: tuple[int, ...], source: str, bits: int) -> list[DenseStep]:
    steps: list[DenseStep] = []
    for index, units in enumerate(sizes):
        steps.append(DenseStep(f"{prefix}{index}", units, steps[-1].name if steps else source, True, bits))
    return steps


def firmware_plan(config: Config) -> tuple[DenseStep, ...]:
    """The layers that become firmware: the whole autoencoder, or the encoder of a variational one."""
    model = config.model
    encoder = _hidden("enc", model.encoder, INPUTS, model.activation_bits)
    last = encoder[-1].name if encoder else INPUTS
    if model.architecture == "dense_vae":
        heads = [DenseStep(name, model.latent, last, False, model.latent_bits) for name in ("mu", "log_var")]
        return (*encoder, *heads)
    latent = DenseStep("latent", model.latent, last, False, model.latent_bits)
    return (*encoder, latent, *decoder_plan(config))


def decoder_plan(config: Config) -> tuple[DenseStep, ...]:
    """The layers from the latent space back to the inputs."""
    model = config.model
    decoder = _hidden("dec", model.decoder, "latent", model.activation_bits)
    out = DenseStep("out", config.inputs.spec().size, decoder[-1].name if decoder else "latent", False, model.output_bits)
    return (*decoder, out)


def output_steps(plan: tuple[DenseStep, ...]) -> tuple[DenseStep, ...]:
    """The steps of a plan whose activations feed no other step, in order."""
    used = {step.source for step in plan}
    return tuple(step for step in plan if step.name not in used)


def activation_fraction(step: DenseStep | None, integer: int, network: FixedFormat) -> int:
    """Fractional bits of a step's quantized activation with `integer` integer bits (sign not counted); None: the inputs."""
    if step is None:
        return network.fraction
    return step.bits - integer - (0 if step.hidden else 1)
