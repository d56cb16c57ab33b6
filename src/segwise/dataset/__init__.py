"""Files become checked values: label file, images, targets, split, and whether the bytes are the recorded ones."""
