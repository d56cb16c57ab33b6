"""The evidence for a promotion: champion and challenger measured, timed and held against what was trained."""
