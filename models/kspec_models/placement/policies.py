"""The placement policies by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kspec_models.placement.best_fit import BestFit
from kspec_models.placement.dot_product import DotProduct
from kspec_models.placement.fgd import FragmentationGradientDescent
from kspec_models.placement.gpu_clustering import GpuClustering
from kspec_models.placement.gpu_packing import GpuPacking
from kspec_models.placement.policy import Placing
from kspec_models.placement.random_choice import RandomChoice
from kspec_models.placement.shapes import Typical

PLACINGS: Mapping[str, Callable[[Typical], Placing]] = {
    "random": lambda typical: RandomChoice(),
    "dot-product": lambda typical: DotProduct(),
    "gpu-clustering": lambda typical: GpuClustering(),
    "gpu-packing": lambda typical: GpuPacking(),
    "best-fit": lambda typical: BestFit(),
    "fgd": FragmentationGradientDescent,
}
"""Each made for a workload with these typical pods."""
