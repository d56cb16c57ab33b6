"""One row of facts per image, object and class, computed once: what the contract asks about."""
