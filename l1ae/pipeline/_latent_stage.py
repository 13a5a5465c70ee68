"""The latent space of a trained model: RUN/latent."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from l1ae.contract import Contract
from l1ae.data import Dataset, EventStore, dataset_folder, open_dataset, origin_of, split_columns
from l1ae.errors import UserError
from l1ae.evaluation import inputs_figure, save_figure, stamp
from l1ae.extras import needs
from l1ae.families import ARCHITECTURES
from l1ae.inputs import InputSpec, Layout
from l1ae.latent import (
    CodesFile,
    Compression,
    Decoder,
    Drift,
    Generation,
    LatentCodes,
    LatentResult,
    MassKind,
    SelectedHunt,
    bump_figure,
    bump_hunt,
    compare_generated,
    compression,
    correlation_figure,
    dimensions_figure,
    emptiness,
    encode_store,
    find_mass,
    first_of_each_group,
    from_network,
    invariant_mass,
    masses_of,
    measure_drift,
    pairs_figure,
    resolution_figure,
    resolutions,
    sample_prior,
    save_latent,
    write_codes,
)
from l1ae.manifest import digest_file, digest_tree
from l1ae.pipeline._run import Run, digest_json, exclusive
from l1ae.pipeline._samples import TEST, TRAIN, part_of, predict
from l1ae.pipeline._shared import contract_of
from l1ae.progress import task

__all__ = ["LatentOptions", "latent_inputs", "latent_stage"]

BACKGROUND = "background"
QUANTILES = (0.0, 0.9, 0.99)

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LatentOptions:
    """What to measure.

    `compare`: a store, or a folder of stores, whose latent distribution is compared with that of the run's data set.
    `events`: events per sample in figures, resolution and tests, at most; codes are written of all.
    `generate`: events to draw from the prior; None: as many as `events` where the model is variational.
    `mass`: what the bump hunt looks at, as `l1ae.latent.find_mass` reads it; None: the first that the inputs have. `mass_range`: its
    span in GeV (default: the central 99 % of the events). `inject`: signal events to add to its background, by sample.
    """

    compare: Path | None = None
    events: int = 20_000
    generate: int | None = None
    mass: str | None = None
    mass_range: tuple[float, float] | None = None
    inject: Mapping[str, int] = field(default_factory=dict)
    seed: int = 1


@exclusive
def latent_stage(run: Run, options: LatentOptions | None = None) -> LatentResult:
    """Encode the data set, and measure compression, resolution, generation, drift and bumps: RUN/latent.

    Writes codes/SAMPLE.h5, latent.json and figures. What a model cannot do is in `LatentResult.skipped`.

    Raises `UserError` when the model has no latent layer, when events are to be generated and it is not variational,
    when the contract was not made from the training that the run holds, or when data do not fit.
    """
    study = _Study(run, options or LatentOptions())
    study.check()
    return run.produce("latent", study.inputs(), study.make)


def latent_inputs(run: Run, options: LatentOptions | None = None) -> dict[str, str]:
    """What the study depends on."""
    return _Study(run, options or LatentOptions()).inputs()


@dataclass(frozen=True)
class _Study:
    """One call of the stage; everything that is read is read once."""

    run: Run
    options: LatentOptions
    skipped: dict[str, str] = field(default_factory=dict)

    @cached_property
    def spec(self) -> InputSpec:
        return self.run.config.inputs.spec()

    @property
    def layout(self) -> Layout:
        return self.run.config.inputs.selected

    @cached_property
    def mass(self) -> MassKind | None:
        """The mass of the bump hunt; None where none was asked for and the inputs have none with a name."""
        name = self.options.mass or next(iter(masses_of(self.layout)), None)
        return None if name is None else find_mass(name, self.layout)

    @cached_property
    def contract(self) -> Contract:
        return contract_of(self.run)

    @cached_property
    def dataset(self) -> Dataset:
        return open_dataset(self.run.config.data.source, self.layout)

    @cached_property
    def stores(self) -> dict[str, EventStore]:
        return {BACKGROUND: self.dataset.background, **self.dataset.signals}

    @cached_property
    def compared(self) -> dict[str, EventStore]:
        """Stores of `options.compare`, by the sample of the data set that each is compared with."""
        where = self.options.compare
        if where is None:
            return {}
        if not where.is_dir():
            return {BACKGROUND: EventStore.open(where, self.layout)}
        found = {name: EventStore.open(where / f"{name}.h5", self.layout) for name in self.stores if (where / f"{name}.h5").is_file()}
        if not found:
            raise UserError(f"'{where}' holds none of {', '.join(f'{name}.h5' for name in self.stores)}; nothing to compare")
        return found

    @cached_property
    def codes(self) -> dict[str, LatentCodes]:
        found = {name: encode_store(store, self.contract) for name, store in self.stores.items() if name != BACKGROUND}
        columns = split_columns(self.run.config.data, self.dataset.background)
        background = encode_store(self.dataset.background, self.contract, lambda events: part_of(self.run.config, events), extra=columns)
        return {BACKGROUND: background, **found}

    @cached_property
    def compared_codes(self) -> dict[str, LatentCodes]:
        return {name: encode_store(store, self.contract) for name, store in self.compared.items()}

    @cached_property
    def test(self) -> npt.NDArray[np.intp]:
        """Positions of the background's test events."""
        return np.flatnonzero(self.codes[BACKGROUND].part == TEST)

    def some(self, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """At most `options.events` of the positions, drawn at random, in rising order."""
        if len(positions) <= self.options.events:
            return positions
        return np.sort(np.random.default_rng(self.options.seed).choice(positions, self.options.events, replace=False))

    # -- before anything is written ----------------------------------------------------------------------------------

    def check(self) -> None:
        _check_contract(self.run)
        model = self.run.config.model
        if self.options.generate is not None and not model.family.variational:
            variational = ", ".join(item.name for item in ARCHITECTURES.values() if item.variational)
            raise UserError(
                f"'{self.run.config.name}' is a {model.architecture}: its latent space has no prior distribution to draw events from; "
                f"only variational models ({variational}) generate events, leave --generate out"
            )
        for name in self.options.inject:
            if name not in self.dataset.signals:
                raise UserError(f"no signal '{name}' to inject; the data set holds {', '.join(self.dataset.signals) or 'none'}")
        _ = self.mass
        if self.options.mass_range is not None and not 0 < self.options.mass_range[0] < self.options.mass_range[1]:
            raise UserError(f"mass range {self.options.mass_range} must be two rising masses above 0 GeV")
        _ = self.compared

    def inputs(self) -> dict[str, str]:
        """What the stage depends on."""
        options = asdict(self.options) | {"compare": None}
        data = sorted(dataset_folder(self.run.config.data.source).glob("*.h5"))
        digests = {f"data/{path.name}": digest_file(path) for path in data}
        digests |= {f"compare/{store.path.name}": digest_file(store.path) for store in self.compared.values()}
        weights = {f"train/{name}": digest for name, digest in digest_tree(self.run.path("train")).items() if name.endswith(".h5")}
        content = self.run.config.model_dump(mode="json")
        config = {name: content[name] for name in ("data", "inputs", "model")}
        return digests | weights | {"contract/contract.json": self.contract.digest, "config": digest_json({**config, "options": options})}

    # -- the study ---------------------------------------------------------------------------------------------------

    def make(self, target: Path) -> LatentResult:
        files = tuple(self._write_codes(target))
        figures = dict(self._space_figures())
        chosen = self.some(self.test)
        hardware = _hardware(self.stores[BACKGROUND], chosen)
        groups = self.codes[BACKGROUND].groups[chosen]
        with task(f"latent: decoding {len(chosen):,} events"):
            decoded = self._reconstruct(hardware)
            rows = resolutions(hardware, decoded, self.spec, groups, seed=self.options.seed) if decoded is not None else ()
        if rows:
            figures["resolution"] = resolution_figure(rows, self.layout)
        result = LatentResult(
            project=self.contract.project,
            contract=self.contract.digest,
            tensors={name: str(form) for name, form in self.codes[BACKGROUND].formats.items()},
            events=len(chosen),
            seed=self.options.seed,
            codes=files,
            compression=self._compression(),
            resolution=rows,
            emptiness=emptiness(hardware, decoded, self.spec, groups) if decoded is not None else (),
            generation=self._generate(hardware, groups, figures),
            drift=tuple(self._drifts(figures)),
            hunts=tuple(self._hunts(figures)),
            injected=dict(self.options.inject),
            skipped=dict(self.skipped),
        )
        for name, figure in figures.items():
            stamp(figure, origin_of(self.stores[BACKGROUND]))
            save_figure(target, name, figure)
        save_latent(target / "latent.json", result)
        return result

    def _write_codes(self, target: Path) -> Iterator[CodesFile]:
        (target / "codes").mkdir()
        named = dict(self.codes) | {f"compare_{name}": codes for name, codes in self.compared_codes.items()}
        for name, codes in named.items():
            path = target / "codes" / f"{name}.h5"
            write_codes(path, codes)
            yield CodesFile(f"codes/{path.name}", codes.sample, len(codes), len(np.unique(codes.groups)))

    def _compression(self) -> Compression:
        formats = self.codes[BACKGROUND].formats
        return compression(self.layout, {name: (form, self.contract[name].size) for name, form in formats.items()})

    def _space_figures(self) -> Iterator[tuple[str, Figure]]:
        values = {BACKGROUND: self._values(BACKGROUND, self.test)}
        values |= {name: self._values(name, np.arange(len(self.codes[name]))) for name in self.dataset.signals}
        names = self.codes[BACKGROUND].names
        yield "dimensions", dimensions_figure(values, names)
        yield "pairs", pairs_figure(values, names)
        yield "correlation", correlation_figure(values[BACKGROUND], names)

    def _values(self, name: str, positions: npt.NDArray[np.intp]) -> FloatArray:
        return self.codes[name].select(self.some(positions)).values()

    def _reconstruct(self, hardware: npt.NDArray[np.integer]) -> FloatArray | None:
        """Reconstruction (N, size) in network units; None, with the reason in `skipped`, when the model makes none of the event."""
        if self.run.config.model.family.variational:
            mean = self.contract["mu_q"]
            codes = self.contract.evaluate(hardware, [mean.name])[mean.name]
            return self._decoder(codes.astype(np.float64) * mean.format.lsb)
        if not any(operation.name == "out_q" for operation in self.contract.operations):
            self.skipped["resolution"] = "the model brings no decoder: an imported encoder has none, and no layer is called out_q"
            return None
        out = self.contract["out_q"]
        if out.size != self.spec.size:
            self.skipped["resolution"] = f"the model reconstructs {out.size} features, not the {self.spec.size} inputs of the event"
            return None
        return np.asarray(self.contract.evaluate(hardware, [out.name])[out.name] * out.format.lsb, np.float64)

    @cached_property
    def _decoder(self) -> Decoder:
        """The float decoder that was trained beside the variational encoder; the only place that knows where it comes from."""
        with needs("train"):
            from l1ae.training import load_trained
        model = load_trained(self.run.config, self.run.path("train")).decoder
        assert model is not None, "variational models have a decoder"

        def decode(z: FloatArray) -> FloatArray:
            (decoded,) = predict(model, z.astype(np.float32))
            return decoded.reshape(len(z), -1).astype(np.float64)

        return decode

    def _generate(self, real: npt.NDArray[np.integer], groups: npt.NDArray[np.int64], figures: dict[str, Figure]) -> Generation | None:
        if not self.run.config.model.family.variational:
            self.skipped["generation"] = "the model is not variational: its latent space has no prior to draw from"
            return None
        events = self.options.generate or self.options.events
        with task(f"latent: {events:,} events from the prior"):
            generated = sample_prior(self._decoder, self.run.config.model.latent, events, seed=self.options.seed)
            figures["generated"] = inputs_figure({BACKGROUND: real, "generated": from_network(generated, self.spec)}, self.layout)
            return compare_generated(generated, real, self.spec, groups, seed=self.options.seed)

    def _drifts(self, figures: dict[str, Figure]) -> Iterator[Drift]:
        """The background's training against its test part, and every compared store against its sample."""
        background = self.codes[BACKGROUND]
        yield self._drift(("training", "test"), background.select(np.flatnonzero(background.part == TRAIN)), background.select(self.test))
        for name, other in self.compared_codes.items():
            reference = background.select(self.test) if name == BACKGROUND else self.codes[name]
            labels = (name, f"compared {other.sample}")
            yield self._drift(labels, reference, other)
            shown = [codes.select(self.some(np.arange(len(codes)))).values() for codes in (reference, other)]
            figures[f"drift_{name}"] = dimensions_figure(dict(zip(labels, shown, strict=True)), reference.names)

    def _drift(self, labels: tuple[str, str], reference: LatentCodes, other: LatentCodes) -> Drift:
        first, second = (codes.select(self.some(np.arange(len(codes)))) for codes in (reference, other))
        with task(f"latent: {labels[0]} against {labels[1]}"):
            return measure_drift(
                first.values(), second.values(), first.groups, second.groups, names=first.names, labels=labels, seed=self.options.seed
            )

    def _hunts(self, figures: dict[str, Figure]) -> Iterator[SelectedHunt]:
        if self.mass is None:
            self.skipped["bump hunt"] = (
                f"layout '{self.layout.name}' has none of the groups that the masses with a name are made of; name others with "
                "--mass GROUPS:COUNT where they have an energy, eta and phi"
            )
            return
        form, title = self.contract.score.format, self.mass.title
        masses, scores, groups, signal = self._candidates(self.mass)
        low, high = self.options.mass_range or (0.0, np.inf)
        there = np.isfinite(masses) & (masses >= low) & (masses <= high)
        if not (there & ~signal).any():
            self.skipped["bump hunt"] = f"no background event has a {title} in the range"
            return
        for quantile in QUANTILES:
            threshold = int(np.quantile(scores[~signal & there], quantile, method="higher"))
            passed = np.flatnonzero((scores >= threshold) & there)
            chosen = passed[first_of_each_group(groups[passed])]
            try:
                with task(f"latent: bump hunt above the {quantile:.0%} quantile"):
                    hunt = bump_hunt(masses[chosen], span=self.options.mass_range, seed=self.options.seed)
            except UserError as error:
                self.skipped[f"bump hunt above the {quantile:.0%} quantile"] = str(error)
                continue
            counted = chosen[(masses[chosen] >= hunt.edges[0]) & (masses[chosen] <= hunt.edges[-1])]
            yield SelectedHunt(self.mass.name, quantile, threshold * form.lsb, len(counted), int(signal[counted].sum()), hunt)
            selection = f"score ≥ {threshold * form.lsb:.4g}, {len(counted):,} events"
            figures[f"bump_{round(100 * quantile):02d}"] = bump_figure(hunt, title, selection)

    def _candidates(self, mass: MassKind) -> tuple[FloatArray, npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Mass, score code, source event and whether it is signal, of the background's test events and what is injected."""
        parts = [(BACKGROUND, self.test)]
        for name, count in self.options.inject.items():
            parts.append((name, first_of_each_group(self.codes[name].groups)[:count]))
        masses = [
            np.concatenate([invariant_mass(hardware, self.layout, mass) for hardware in _blocks(self.stores[name], positions)])
            for name, positions in parts
        ]
        scores = [self.codes[name].score[positions] for name, positions in parts]
        groups = [self.codes[name].groups[positions] for name, positions in parts]
        offsets = np.cumsum([0, *(int(ids.max(initial=-1)) + 1 for ids in groups)])
        shifted = [ids + offset for ids, offset in zip(groups, offsets, strict=False)]
        signal = [np.full(len(positions), name != BACKGROUND) for name, positions in parts]
        return np.concatenate(masses), np.concatenate(scores), np.concatenate(shifted), np.concatenate(signal)


def _check_contract(run: Run) -> None:
    """The decoder and the contract must come from the same training."""
    now = {f"train/{name}": digest for name, digest in digest_tree(run.path("train")).items() if not name.startswith("logs/")}
    if {name: digest for name, digest in run.manifest.inputs("contract").items() if name.startswith("train/")} != now:
        raise UserError(f"'{run.path('contract')}' was not made from the training in '{run.folder}'; run `l1ae train` first")


def _hardware(store: EventStore, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.integer]:
    """Hardware codes of the events at rising positions, (N, size), without holding the whole store."""
    return np.concatenate(list(_blocks(store, positions)))


def _blocks(store: EventStore, positions: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.integer]]:
    start = 0
    for events in store.chunks():
        inside = positions[(positions >= start) & (positions < start + len(events))] - start
        start += len(events)
        yield events.hw[inside]
