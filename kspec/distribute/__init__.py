"""Many cores, many machines: the searches of kspec.explore on worker processes or a Ray cluster.

Nothing here changes what a search finds: random runs are pure functions of their tasks, and the
exhaustive search numbers its states alike wherever they are expanded.
"""
