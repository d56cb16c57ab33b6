"""The contract over the facts: checks, rules, what breaks them, what was accepted, the Great Expectations suite."""
