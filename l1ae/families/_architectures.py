"""The list of all architectures: what comes before the encoder, and what the network is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from l1ae.families._score import Body
from l1ae.families._scores import SCORES
from l1ae.inputs import Layout

__all__ = ["ARCHITECTURES", "Architecture", "Front"]


class Front(StrEnum):
    """How the encoder meets the event: all columns at once, as an image through convolutions, or object by object."""

    FLAT = "flat"
    CONVOLUTIONS = "convolutions"
    OBJECTS = "objects"


# Keys of a configuration's model section that have an effect.
_FRONT_KEYS = {Front.FLAT: frozenset[str](), Front.CONVOLUTIONS: frozenset({"convolutions"}), Front.OBJECTS: frozenset({"objects"})}
_CODE = frozenset({"latent", "latent_bits", "latent_activation", "decoder"})
_IMAGE_DECODER = frozenset({"decoder_shape", "deconvolutions", "deconvolution_out"})
_BODY_KEYS = {
    Body.AUTOENCODER: _CODE | _IMAGE_DECODER | {"output_bits"},
    Body.VARIATIONAL: _CODE | _IMAGE_DECODER,
    Body.FEATURES: _CODE | {"output_bits", "extractor", "features"},
    Body.STUDENT: frozenset({"output_bits", "teacher", "teacher_run", "teaching"}),
    Body.DENSITY: frozenset({"columns", "density"}),
    Body.CONTRAST: frozenset({"columns", "pair_tables"}),
}
_TABLES_ADD = frozenset({"pairs"})
_TABLES_LACK = _IMAGE_DECODER | {"latent_activation", "latent_bits"}

TABULAR = frozenset({Body.DENSITY, Body.CONTRAST})
"""Models that are sums of tables."""


@dataclass(frozen=True)
class Architecture:
    """A network as a configuration names it; `front` and `body` are None for one that was made elsewhere.

    The nodes of one that is `of_tables` are sums of tables instead of products.
    """

    name: str
    title: str
    front: Front | None
    body: Body | None
    of_tables: bool = False

    @property
    def imported(self) -> bool:
        """Whether the network was made elsewhere."""
        return self.body is None

    @property
    def tabular(self) -> bool:
        """Whether the model is a sum of tables, and no network."""
        return self.body in TABULAR

    @property
    def variational(self) -> bool:
        """Whether the firmware is an encoder to means and log-variances."""
        return self.body is Body.VARIATIONAL

    @property
    def scores(self) -> tuple[str, ...]:
        """Scores that can be made of what the network returns; all, where that is not known."""
        return tuple(name for name in SCORES if self.takes(name))

    def takes(self, score: str) -> bool:
        """Whether a score can be made of what the network returns."""
        wanted = set(Body) - TABULAR if self.body is None else {self.body}
        return bool(wanted & SCORES[score].bodies)

    @property
    def keys(self) -> frozenset[str]:
        """Keys of the model section that have an effect in this architecture and not in all."""
        if self.front is None or self.body is None:
            return frozenset()
        keys = _FRONT_KEYS[self.front] | _BODY_KEYS[self.body]
        return (keys - _TABLES_LACK) | _TABLES_ADD if self.of_tables else keys

    @property
    def code(self) -> str | None:
        """The layer whose activation is the code; None without one."""
        return {Body.VARIATIONAL: "mu", Body.AUTOENCODER: "latent", Body.FEATURES: "latent"}.get(self.body) if self.body else None

    def lacks(self, layout: Layout) -> str | None:
        """What the layout does not have that the network reads; None when all is there."""
        if self.front is Front.OBJECTS and not layout.has_slots:
            return f"architecture '{self.name}' reads objects, which layout '{layout.name}' does not have; choose another architecture"
        if self.front is Front.CONVOLUTIONS and layout.image is None:
            return (
                f"architecture '{self.name}' reads an image, but the groups of layout '{layout.name}' have unlike features; choose one "
                "group, or the same features of all, with inputs.select"
            )
        return None


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        item.name: item
        for item in (
            Architecture("dense_ae", "dense autoencoder", Front.FLAT, Body.AUTOENCODER),
            Architecture("dense_vae", "encoder of a dense variational autoencoder", Front.FLAT, Body.VARIATIONAL),
            Architecture("conv_ae", "convolutional autoencoder", Front.CONVOLUTIONS, Body.AUTOENCODER),
            Architecture("conv_vae", "encoder of a convolutional variational autoencoder", Front.CONVOLUTIONS, Body.VARIATIONAL),
            Architecture("set_ae", "autoencoder on sets of objects", Front.OBJECTS, Body.AUTOENCODER),
            Architecture("set_vae", "encoder of a variational autoencoder on sets of objects", Front.OBJECTS, Body.VARIATIONAL),
            Architecture("latent_ae", "feature extractor with an autoencoder on its features", Front.FLAT, Body.FEATURES),
            Architecture("student", "student of a larger autoencoder", Front.CONVOLUTIONS, Body.STUDENT),
            Architecture("dense_student", "dense student of another model", Front.FLAT, Body.STUDENT),
            Architecture("table_ae", "autoencoder made of tables", Front.FLAT, Body.AUTOENCODER, of_tables=True),
            Architecture("table_student", "student made of tables", Front.FLAT, Body.STUDENT, of_tables=True),
            Architecture("density_tree", "density tree of", Front.FLAT, Body.DENSITY),
            Architecture("pair_tables", "sum of tables of all pairs of", Front.FLAT, Body.CONTRAST),
            Architecture("imported", "network imported from", None, None),
        )
    }
)
"""Every architecture by its name."""
