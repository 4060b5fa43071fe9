"""What Kubernetes promises, as properties of the model."""
