"""Which images show the same: equal and near-equal pictures, tiles of one field, overlapping crops."""
