"""Reductions that an exhaustive search may use: symmetry, and systems that fuse steps."""
