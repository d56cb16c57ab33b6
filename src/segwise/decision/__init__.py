"""The decision that the pixels must support: stated in params.yaml, answered per image, scored in its own units. Pure."""
