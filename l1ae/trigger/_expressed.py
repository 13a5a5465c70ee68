"""How much of a real menu the cuts on a layout's objects are."""

from dataclasses import dataclass

from l1ae.config import named_menu
from l1ae.inputs import Layout
from l1ae.trigger._menu import judged

__all__ = ["Expressed", "expressed"]


@dataclass(frozen=True)
class Expressed:
    """Names of the seeds of a menu: `as_named` have the cuts that their names say, of `stand_ins` a sum is another's (and so the
    name), `left_out` ask for what the layout does not have, and `not_expressed` for what no cuts of ours are.
    """

    as_named: tuple[str, ...]
    stand_ins: tuple[str, ...]
    left_out: tuple[str, ...]
    not_expressed: tuple[str, ...]

    @property
    def total(self) -> int:
        """Seeds of the real menu."""
        return len(self.as_named) + len(self.stand_ins) + len(self.left_out) + len(self.not_expressed)


def expressed(menu: str, layout: Layout) -> Expressed:
    """What a layout has of a menu that comes with l1ae. Raises `UserError` for an unknown name."""
    content = named_menu(menu)
    found: dict[str, list[str]] = {"as_named": [], "stand_ins": [], "left_out": []}
    for real, (seed, reason) in zip(content.seeds, judged(content, layout), strict=True):
        if reason is not None:
            found["left_out"].append(real.name)
        else:
            found["as_named" if seed.name == real.name else "stand_ins"].append(seed.name)
    others = tuple(name for names in content.not_expressed.values() for name in names)
    return Expressed(**{key: tuple(names) for key, names in found.items()}, not_expressed=others)
