"""Simulation of an RTL project, compared with the contract bit by bit and clock by clock."""

from l1ae.rtl.simulation._simulate import simulate_rtl

__all__ = ["simulate_rtl"]
