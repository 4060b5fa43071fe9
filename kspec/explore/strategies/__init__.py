"""Random strategies, one small file each: how the next action of a run is chosen."""
