"""The HTTP service: bytes in, one Predictor, JSON or PNG out. Holds the served bytes to their manifest."""
