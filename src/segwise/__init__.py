"""segwise: state the decision the pixels must support; it proves which segmentation approach meets it at least cost."""
