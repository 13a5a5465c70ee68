"""What searches found, side by side: docs/front.md, its figure and its file of results, from what `l1ae search` left.

    python benchmarks/front.py RUN [RUN ...] [-o docs/front.md] [--studies configs/studies] [--best configs]

Every number of the page is one of RUN/search; nothing is trained. The studies themselves are read from STUDIES, and must be the ones
that the runs were made with. The figure is written beside the page, as SVG of the same name. With --best the recommended points are
written as configurations into a folder.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from page_text import markdown, paragraph
from results import publish

from l1ae.errors import UserError
from l1ae.evaluation import AtRate, Estimate, figure_svg, format_estimate
from l1ae.report import Table, count
from l1ae.search import (
    LUTS,
    FrontPoint,
    Measured,
    SearchFolder,
    SearchView,
    Trial,
    front_figure,
    headline,
    load_study,
    search_tables,
)

STUDIES = Path(__file__).parents[1] / "configs" / "studies"
NAMED = 0.10
"""Share of the spread of an objective from which a key is named."""


def read(run: Path, studies: Path) -> SearchView:
    """A finished search. Raises `UserError` when its study is not among `studies`, or is another one now."""
    folder = SearchFolder(run / "search")
    front = folder.load_front()
    for path in sorted(studies.glob("*.yaml")):
        study = load_study(path)
        if study.config.name == front.study:
            begun = json.loads((folder.path / "study.json").read_text())["digest"]
            if begun != study.digest:
                raise UserError(f"'{run}' was made with another study than '{path}' is now; restore it, or search again")
            return SearchView(study, front, folder.trials())
    raise UserError(f"'{run}' is of study '{front.study}', of which there is none in '{studies}'; give its folder with --studies")


def asked(views: Sequence[SearchView]) -> Table:
    """What each study was asked, and how much was tried."""
    header = ("", *(f"`{view.study.config.name}`" for view in views))
    lines = [
        ("wanted", [wanted(view) for view in views]),
        ("budget", [budget(view) for view in views]),
        ("trained", [f"{view.front.counts.complete:,}" for view in views]),
        ("with a part of their epochs", [f"{view.front.counts.stopped:,}" for view in views]),
        ("refused before any training", [f"{view.front.counts.refused:,}" for view in views]),
        ("failed", [f"{view.front.counts.failed:,}" for view in views]),
        ("came twice", [f"{view.front.counts.repeated:,}" for view in views]),
        ("hours of trainings, added up", [f"{view.front.seconds / 3600:.1f}" for view in views]),
        ("points of the front", [str(len(view.front.points)) for view in views]),
        ("of these made and compared", [str(sum(point.verified is not None for point in view.front.points)) for view in views]),
        ("trainings of each point", [str(view.study.config.seeds) for view in views]),
        ("sampler, seed", [f"{view.study.config.sampler}, {view.study.config.seed}" for view in views]),
    ]
    return Table("What was asked, and what was tried", header, tuple((name, *cells) for name, cells in lines))


def wanted(view: SearchView) -> str:
    """The objectives in words."""
    return ", ".join(f"{'most' if one.maximised else 'least'} {one.label}" for one in view.study.config.objectives)


def budget(view: SearchView) -> str:
    """The limits in words."""
    return ", ".join(f"{name} ≤ {limit:,g}" for name, limit in view.front.budget.items() if limit is not None) or "none"


@dataclass(frozen=True, eq=False)
class Recommended:
    """A recommended point, and the name of its configuration."""

    name: str
    view: SearchView
    point: FrontPoint

    @property
    def trial(self) -> Trial:
        """The candidate."""
        return next(one for one in self.view.trials if one.number == self.point.trial)

    @property
    def measured(self) -> Measured:
        """The training that its configuration repeats."""
        return next(one for one in self.trial.by_rung(self.trial.rung) if one.digest == self.point.digest)

    @property
    def lut(self) -> int:
        """Packed, synthesised. Raises `UserError` when the point was not made."""
        if self.point.verified is None:
            raise UserError(f"{self.point.name} was not made, so that its LUTs are not known; search again with --verify --resume")
        return self.point.verified.lut


def recommended(views: Sequence[SearchView]) -> list[Recommended]:
    """What is recommended of all searches, but for points that one of an earlier search is as good as for fewer LUTs.

    Raises `UserError` when one of them was not made.
    """
    found: list[Recommended] = []
    for view in views:
        name = view.study.config.name
        for lut, point in view.recommended(LUTS).items():
            one = Recommended(f"best_{name}_{lut}", view, point)
            if not any(other.lut <= one.lut and other.point.values[0].low >= point.values[0].low for other in found):
                found.append(one)
    return found


def best_table(found: Sequence[Recommended]) -> Table:
    """The recommended points as other pages show models: as reported, pure and raw at 1 kHz, synthesised."""
    rows = []
    for one in found:
        made = one.point.verified
        assert made is not None
        pure, worst, raw = at_1_khz(one.measured.reported)
        clocks = f"{made.latency_cycles} clock{'s' if made.latency_cycles > 1 else ''} of {made.latency_ns / made.latency_cycles:g} ns"
        rows.append((f"`{one.name}`, {one.point.kind}", f"**{kept(pure)}**", kept(worst), kept(raw), count(made.lut), clocks))
    header = ("score", "kept, mean", "worst signal", "raw 1 kHz, mean", "LUT, packed", "latency")
    return Table("As configurations (`configs/`), reported at 1 kHz, pure and raw", header, tuple(rows), 1)


def kept(found: Estimate) -> str:
    """In percent, as other tables write it."""
    return f"{format_estimate(found, 0.01)} %"


def at_1_khz(found: AtRate | None) -> tuple[Estimate, Estimate, Estimate]:
    """Mean and worst signal pure, mean raw. Raises `UserError` where they were not measured."""
    pure, raw = (None if found is None else found.point(kind, 1.0) for kind in ("pure", "raw"))
    if pure is None or raw is None or pure.mean is None or raw.mean is None:
        raise UserError("a recommended point has no efficiency at 1 kHz, so that it cannot stand beside others")
    return pure.mean, min(pure.efficiency.values(), key=lambda one: one.value), raw.mean


def configuration(one: Recommended) -> str:
    """YAML of a recommended point, under the name of its file."""
    study, point = one.view.study, one.point
    kind = f"{point.kind[0].upper()}{point.kind[1:]}"
    comment = (
        f"{kind}, recommended by the search configs/studies/{study.path.name}: its point {point.name} under a name of its own.\n"
        "docs/front.md has its figures."
    )
    return study.text(study.point(point.model, one.trial.parameters), point.settings | {"name": one.name}, comment)


def importance(view: SearchView) -> Iterator[str]:
    """The keys that matter, by model and objective."""
    for model, by in view.front.importance.items():
        for label, shares in by.items():
            named = [f"`{key}` {100 * share:.0f} %" for key, share in sorted(shares.items(), key=lambda one: -one[1]) if share >= NAMED]
            yield f"* `{model}`, {label}: {', '.join(named) or 'none stands out'}"


def study_lines(view: SearchView) -> Iterator[str]:
    """Everything about one study."""
    config = view.study.config
    yield f"## {config.title or config.name}\n"
    yield f"`configs/studies/{view.study.path.name}`: {wanted(view)}; {budget(view)}.\n"
    yield paragraph(headline(view))
    for table in search_tables(view):
        yield from markdown(table, "front", f"{config.name}.")
    if view.front.importance:
        yield paragraph(
            "Keys that matter: shares of at least a tenth of the spread of an objective (fANOVA), over the trained candidates of a model:"
        )
        yield from importance(view)
        yield ""


def page(views: Sequence[SearchView], figure: str, best: Sequence[Recommended] = ()) -> str:
    """The page; `figure` is the name of its figure's file, `best` what is written as configurations."""
    names = " ".join(f"runs/{view.study.config.name}" for view in views)
    more = " --best configs" if best else ""
    commands = "\n".join(f"l1ae search {view.study.path.stem}" for view in views)
    lines = [
        "# What a budget buys\n",
        "The front of a search: the models within a budget that no other one of the search beats in every objective. Made by\n",
        f"```\n{commands}\npython benchmarks/front.py {names} -o docs/front.md{more}\n```\n",
        paragraph(
            "from the files of these searches and nothing else. [search.md](search.md) says how a search works, "
            "[at_rate.md](at_rate.md) what is measured."
        ),
        f"![front]({figure})\n",
        paragraph(
            "Dots: trained candidates as chosen, hollow beyond the budget. Line: the front as chosen. Diamonds: its points as "
            "reported, with intervals that may leave the frame, at the synthesised LUTs where they were made; a thin line leads to the "
            "value that each was chosen by. Stars: the models made by hand, as chosen."
        ),
        *markdown(asked(views), "front"),
        *(markdown(best_table(best), "front") if best else ()),
        paragraph(
            "**As chosen, as reported.** Candidates are chosen on the validation part of the crossings and of the signals. Values as "
            "chosen are too high by selection: of many candidates with the same true value the luckiest is on the front. Values as "
            "reported are of the test part, on which nothing was chosen; they are the ones to quote. Intervals hold with 68.3 % "
            "confidence and include the threshold's; all models are judged on the same events, so that differences are known better "
            "(`l1ae compare`). Ranges of LUTs in brackets are those of the estimator, 90 %."
        ),
        *(line for view in views for line in study_lines(view)),
        *unknown(views),
    ]
    return "\n".join(lines).rstrip() + "\n"


def unknown(views: Sequence[SearchView]) -> Iterator[str]:
    """What these numbers do not say."""
    yield "## What is not known\n"
    yield "* All samples are l1ae's own simulation: nothing here says what a model finds in data ([at_rate.md](at_rate.md))."
    yield "* The order of models that are closer than their intervals; `l1ae compare` pairs two of them."
    if any(view.study.config.seeds == 1 for view in views):
        yield "* How another training of a point would do: each was trained with one seed, and networks scatter from seed to seed."
    stopped = sum(view.front.counts.stopped for view in views)
    if stopped:
        yield f"* What {stopped:,} candidates would have found with all their epochs: others had found more with as many."
    left = [point.name for view in views for point in view.front.points if point.verified is None]
    if left:
        yield f"* What {len(left)} points cost when they are synthesised: {', '.join(left)} were not made, and their LUTs are estimates."
    yield "* What placement and routing make of a design: slowest paths are before placement, of the open flow."
    yield "* Whether a model outside these spaces does better. A search finds what is in its space, and with few trials not all of that."


def main() -> None:
    """Read the runs, write page and figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/front.md"))
    parser.add_argument("--studies", type=Path, default=STUDIES)
    parser.add_argument("--best", type=Path, help="folder for the configurations of the recommended points")
    arguments = parser.parse_args()
    try:
        views = [read(run, arguments.studies) for run in arguments.runs]
        best = recommended(views) if arguments.best else []
    except UserError as error:
        parser.error(str(error))
    figure = arguments.output.with_suffix(".svg")
    figure.write_text(figure_svg(front_figure(views, 1)))
    publish(arguments.output, page(views, figure.name, best), f"python benchmarks/front.py {' '.join(map(str, arguments.runs))}")
    for one in best:
        (arguments.best / f"{one.name}.yaml").write_text(configuration(one))


if __name__ == "__main__":
    main()
