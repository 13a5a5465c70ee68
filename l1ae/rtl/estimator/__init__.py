"""Cost of a contract in RTL before any is made."""

from l1ae.rtl.estimator._estimate import Estimate, LayerEstimate, estimate, long_stages

__all__ = ["Estimate", "LayerEstimate", "estimate", "long_stages"]
