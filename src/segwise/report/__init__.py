"""One self-contained HTML page per run: the verdict, the figures, the pictures, and where they come from."""
