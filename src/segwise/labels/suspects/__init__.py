"""Labels that a trained model contradicts, and how surely."""
