"""How a delivery becomes part of data/: merged by content, ranges measured, all of it or nothing."""
