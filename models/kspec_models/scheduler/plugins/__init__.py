"""The in-tree plugins, one per file."""
