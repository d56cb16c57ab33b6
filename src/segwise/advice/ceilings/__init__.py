"""What each approach could reach at best on the decisions, from labels alone, before any training. Pure."""
