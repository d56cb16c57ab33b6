"""What a prediction is worth against its label: pixels, objects, counts, intervals, latency. All pure."""
