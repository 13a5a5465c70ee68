"""Rates of a trigger: working points, raw and pure, their efficiencies, intervals and stability."""

from l1ae.trigger._at_rate import RATES, Crossings, RateSpectra, SignalEvents, at_rate, at_rate_of
from l1ae.trigger._counts import WIDE_LEVEL, Count, Exposure, added, count, gamma_interval, prediction_interval
from l1ae.trigger._coverage import Coverage, Population, StratifiedPopulation, coverage
from l1ae.trigger._cuts import Choice, CutLeg, CutSeed, cut_seed
from l1ae.trigger._efficiency import SignalScores, read_signal
from l1ae.trigger._events import JudgedEvents, ScoreFunction
from l1ae.trigger._expressed import Expressed, expressed
from l1ae.trigger._judge import Judge
from l1ae.trigger._menu import Menu, RecordedSeed, check_menu, menu_of, no_menu, possible_seeds
from l1ae.trigger._overlap import Overlap, fired_cuts, fired_recorded, overlap
from l1ae.trigger._paired import PairedPoint, paired_differences
from l1ae.trigger._result import (
    Curve,
    Interval,
    MenuRates,
    Neighbour,
    Period,
    PileupBin,
    Rate,
    RateInterval,
    RawPure,
    Score,
    SeedRate,
    Stability,
    TriggerResult,
    WorkingPoint,
    ZeroBias,
    format_khz,
    load_working_points,
    save_working_points,
)
from l1ae.trigger._roc import RateCurves, rate_curves
from l1ae.trigger._sample import Sample, SpooledSample, read_sample, spool_sample
from l1ae.trigger._spectrum import Spectrum, merged, spectrum
from l1ae.trigger._stability import constancy, periods, pileup_bins, rate_interval
from l1ae.trigger._working_points import RateCurve, point_name

__all__ = [
    "RATES",
    "WIDE_LEVEL",
    "Choice",
    "Count",
    "Coverage",
    "Crossings",
    "Curve",
    "CutLeg",
    "CutSeed",
    "Exposure",
    "Expressed",
    "Interval",
    "Judge",
    "JudgedEvents",
    "Menu",
    "MenuRates",
    "Neighbour",
    "Overlap",
    "PairedPoint",
    "Period",
    "PileupBin",
    "Population",
    "Rate",
    "RateCurve",
    "RateCurves",
    "RateInterval",
    "RateSpectra",
    "RawPure",
    "RecordedSeed",
    "Sample",
    "Score",
    "ScoreFunction",
    "SeedRate",
    "SignalEvents",
    "SignalScores",
    "Spectrum",
    "SpooledSample",
    "Stability",
    "StratifiedPopulation",
    "TriggerResult",
    "WorkingPoint",
    "ZeroBias",
    "added",
    "at_rate",
    "at_rate_of",
    "check_menu",
    "constancy",
    "count",
    "coverage",
    "cut_seed",
    "expressed",
    "fired_cuts",
    "fired_recorded",
    "format_khz",
    "gamma_interval",
    "load_working_points",
    "menu_of",
    "merged",
    "no_menu",
    "overlap",
    "paired_differences",
    "periods",
    "pileup_bins",
    "point_name",
    "possible_seeds",
    "prediction_interval",
    "rate_curves",
    "rate_interval",
    "read_sample",
    "read_signal",
    "save_working_points",
    "spectrum",
    "spool_sample",
]
