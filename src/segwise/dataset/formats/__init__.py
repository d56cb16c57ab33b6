"""How data sets of other tools become the canonical one: one module per format, all with the same functions."""
