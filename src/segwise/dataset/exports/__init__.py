"""How the labels are written for other tools: one module per format, all with the same functions."""
