"""Samples as units: evidence of each readout, the rule, its error on mock contrasts, the calls."""
