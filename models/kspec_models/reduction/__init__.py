"""Reductions for exhaustive search of the cluster: granularity `fused`, and symmetry."""
