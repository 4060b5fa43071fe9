"""kube-scheduler: its cache, its queue, its cycle and its plugins."""
