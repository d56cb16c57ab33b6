"""What the data itself says: its sizes, densities and groups."""
