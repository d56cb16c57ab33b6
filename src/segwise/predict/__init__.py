"""From an image to a Prediction: the one path that evaluation, benchmark, batch scoring and serving share."""
