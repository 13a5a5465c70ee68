"""The search for a resonance above a smooth spectrum, with the trials factor of having looked everywhere."""

from dataclasses import dataclass

import numpy as np

from l1ae.errors import UserError
from l1ae.latent._inverse import FloatArray, IntArray
from l1ae.results import Count, Fraction, Positive

__all__ = ["BumpHunt", "Window", "bump_hunt"]

MIN_EVENTS = 100
REPETITIONS = 500
BIN_WIDTH = 0.05
WIDTHS = (2, 8)
DEGREES = (2, 6)
_SMALLEST = 1e-300


@dataclass(frozen=True)
class Window:
    """The most significant excess: [low, high) in GeV, events in it, and what the fits expect there.

    `expected` comes from the fit to the whole spectrum, `expected_outside` from one that leaves the window out;
    `local_p_value` is the Poisson probability of `observed` or more events where `expected` are expected.
    """

    low: Positive
    high: Positive
    observed: Count
    expected: Positive
    expected_outside: Positive
    local_p_value: Fraction


@dataclass(frozen=True)
class BumpHunt:
    """A spectrum, its smooth background and the outcome of the scan.

    `edges` (bins + 1,) in GeV, `counts` and `background` (bins,) events. `degree` is that of the fit and `fit_p_value` the
    chance of a worse fit were its function the truth: where it is small, the function does not describe the spectrum
    and the other p-values mean little. `global_p_value` contains the trials factor; it is not below
    1 / (`pseudo_experiments` + 1).
    """

    edges: tuple[Positive, ...]
    counts: tuple[Count, ...]
    background: tuple[Positive, ...]
    degree: Count
    fit_p_value: Fraction
    window: Window
    global_p_value: Fraction
    pseudo_experiments: Count


def bump_hunt(
    masses: FloatArray,
    *,
    span: tuple[float, float] | None = None,
    bin_width: float = BIN_WIDTH,
    widths: tuple[int, int] = WIDTHS,
    pseudo_experiments: int = REPETITIONS,
    seed: int = 1,
) -> BumpHunt:
    """Look for the most significant excess of a mass spectrum in windows of several widths (BumpHunter, arXiv:1101.0390).

    * Bins are of equal width in ln(m), `bin_width`, over `span` in GeV (default: the central 99 % of the events).
    * The background is exp(polynomial in ln m), fitted to the counts with the Poisson likelihood; Akaike's criterion
      chooses its degree between 2 and 6. Over the range of a window it is smooth, but a real edge or a known resonance
      is a bump for it and will be found.
    * Every window of `widths[0]` to `widths[1]` bins gets the Poisson probability of its excess; the statistic is -ln of
      the smallest one.
    * Pseudo-experiments drawn from the fit are fitted and scanned in the same way. The fraction with a statistic at least
      as large is the global p-value.

    `masses` (N,) in GeV must come from independent events (`first_of_each_group`); those not finite are left out.
    Raises `UserError` for fewer than 100 events in the span.
    """
    values = masses[np.isfinite(masses) & (masses > 0)]
    if span is None and len(values):
        low, high = np.quantile(values, [0.005, 0.995])
        span = (float(low), float(high))
    inside = values[(values >= span[0]) & (values <= span[1])] if span is not None else values
    if span is None or len(inside) < MIN_EVENTS or span[1] <= span[0]:
        raise UserError(f"a bump hunt needs at least {MIN_EVENTS} events with the chosen mass, not {len(inside)}")
    bins = max(round(float(np.log(span[1] / span[0])) / bin_width), 2 * widths[1])
    edges = np.geomspace(*span, bins + 1)
    counts = np.histogram(inside, edges)[0].astype(np.int64)
    return _hunt(edges, counts, widths, pseudo_experiments, np.random.default_rng(seed))


def _hunt(edges: FloatArray, counts: IntArray, widths: tuple[int, int], repetitions: int, rng: np.random.Generator) -> BumpHunt:
    background, degree = (part[0] for part in _fit(counts[None]))
    pseudo = rng.poisson(background, (repetitions, len(counts)))
    samples = np.concatenate([counts[None], pseudo])
    fits = np.concatenate([background[None], _fit(pseudo)[0]])
    smallest, starts, sizes = _scan(samples, fits, widths)
    deviances = _deviance(samples, fits)
    start, stop = int(starts[0]), int(starts[0] + sizes[0])
    window = Window(
        low=float(edges[start]),
        high=float(edges[stop]),
        observed=int(counts[start:stop].sum()),
        expected=float(background[start:stop].sum()),
        expected_outside=_expected_outside(counts, int(degree), start, stop),
        local_p_value=float(smallest[0]),
    )
    return BumpHunt(
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
        background=tuple(background.tolist()),
        degree=int(degree),
        fit_p_value=float(np.mean(deviances >= deviances[0])),
        window=window,
        global_p_value=float(np.mean(smallest <= smallest[0])),
        pseudo_experiments=repetitions,
    )


def _fit(counts: IntArray) -> tuple[FloatArray, IntArray]:
    """Expected events (rows, bins) of every row of `counts`, and the polynomial degree that Akaike's criterion chose."""
    degrees = range(DEGREES[0], DEGREES[1] + 1)
    fits = np.stack([_fit_degree(counts, degree) for degree in degrees])
    criterion = np.stack([_deviance(counts, fit) + 2 * (degree + 1) for degree, fit in zip(degrees, fits, strict=True)])
    best = np.argmin(criterion, axis=0)
    return fits[best, np.arange(len(counts))], best + DEGREES[0]


def _fit_degree(counts: IntArray, degree: int, weights: FloatArray | None = None) -> FloatArray:
    """Poisson likelihood fit of exp(polynomial) to every row, by iteratively reweighted least squares.

    McCullagh and Nelder, Generalized Linear Models, section 2.5. Bins are equidistant in the polynomial's variable, which
    Chebyshev polynomials make well conditioned. `weights` (bins,) 0 leaves a bin out.
    """
    n = counts.shape[1]
    basis = np.polynomial.chebyshev.chebvander(np.linspace(-1, 1, n), degree)
    products = (basis[:, :, None] * basis[:, None, :]).reshape(n, -1)
    used = np.ones(n) if weights is None else weights
    mean = counts + 0.5
    eta = np.log(mean)
    ridge = 1e-9 * np.eye(degree + 1)
    for _ in range(30):
        weight = mean * used
        matrix = (weight @ products).reshape(len(counts), degree + 1, degree + 1) + ridge
        right = (weight * (eta + (counts - mean) / mean)) @ basis
        updated = np.linalg.solve(matrix, right[:, :, None])[:, :, 0] @ basis.T
        step = np.clip(updated - eta, -3, 3)
        eta = np.clip(eta + step, -20, 50)
        mean = np.exp(eta)
        if np.abs(step).max() < 1e-6:
            break
    return np.asarray(mean, np.float64)


def _deviance(counts: IntArray, expected: FloatArray) -> FloatArray:
    """Twice the log-likelihood ratio of a perfect fit and this one, (rows,)."""
    ratio = np.where(counts > 0, counts / expected, 1.0)
    return np.asarray(2 * np.sum(counts * np.log(ratio) - (counts - expected), axis=1), np.float64)


def _scan(counts: IntArray, expected: FloatArray, widths: tuple[int, int]) -> tuple[FloatArray, IntArray, IntArray]:
    """Smallest Poisson p-value of an excess in any window of every row, with the window's first bin and width."""
    sums = [np.concatenate([np.zeros((len(counts), 1)), np.cumsum(part, axis=1)], axis=1) for part in (counts, expected)]
    smallest = np.full(len(counts), np.inf)
    where, size = np.zeros((2, len(counts)), np.int64)
    for width in range(widths[0], widths[1] + 1):
        observed, mean = (total[:, width:] - total[:, :-width] for total in sums)
        p_values = np.ones(observed.shape)
        excess = observed > mean
        from scipy.special import gammainc

        p_values[excess] = gammainc(observed[excess], mean[excess])  # P(at least n | mean)
        best = np.argmin(p_values, axis=1)
        value = np.maximum(p_values[np.arange(len(counts)), best], _SMALLEST)
        better = value < smallest
        smallest, where, size = np.where(better, value, smallest), np.where(better, best, where), np.where(better, width, size)
    return smallest, where, size


def _expected_outside(counts: IntArray, degree: int, start: int, stop: int) -> float:
    weights = np.ones(len(counts))
    weights[start:stop] = 0.0
    return float(_fit_degree(counts[None], degree, weights)[0, start:stop].sum())
