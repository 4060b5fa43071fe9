"""Systems whose state is one 64-bit word, searched a whole level at a time with numpy.

`kspec.explore.packed.search.packed_bfs` is the search; importing it imports numpy.
"""

from kspec.explore.packed.fields import Field, PackedState
from kspec.explore.packed.interchangeable import Interchangeable
from kspec.explore.packed.system import Action, PackedSystem

__all__ = ["Action", "Field", "Interchangeable", "PackedState", "PackedSystem"]
