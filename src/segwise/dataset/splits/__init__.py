"""Images divided into train, val and test, by group, for good; and the proof that nothing leaks."""
