"""Knows when a model is good enough: thresholds become checks, checks become a verdict. Pure."""
