"""Placing the pods of a trace on the nodes of a cluster whose GPUs can be shared.

After the simulator of the paper "Beware of Fragmentation" (USENIX ATC 2023,
hkust-adsl/kubernetes-scheduler-simulator). Pods arrive one by one and stay; a policy is a formula
over what is free on one node. Each formula exists twice: over plain integers, which is the
specification, and over arrays, which is how a run of thousands of pods takes a second.

Left out: everything else of a scheduling cycle (taints, affinity, queues): a trace has none of it.
"""
