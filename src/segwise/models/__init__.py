"""Knows the networks: encoder, decoders, losses, and how they are trained and turned into graphs."""
