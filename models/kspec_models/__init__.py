"""The Kubernetes control plane as a deterministic model, after release 1.36."""
