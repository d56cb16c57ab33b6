"""What somebody else needs in order to believe a run: its repetition, and the evidence that it left."""
