"""How data sets of other tools become the canonical one and back: one module per format, all with the same functions."""
