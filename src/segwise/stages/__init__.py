"""What each verb does: read, one pure call, write; one module per stage and per effect."""
