"""What the pixels must support: stated in params.yaml, answered per image, scored in the decision's own units. Pure."""
