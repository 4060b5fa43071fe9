"""kspec: an engine that explores, checks and proves systems given as init, enabled and step.

The package knows nothing of Kubernetes: the model is ``kspec_models``, its promises are
``kspec_properties``. z3 and Hypothesis are imported only by the modules that use them.
"""

__version__ = "0.1.0"
