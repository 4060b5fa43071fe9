------------------------------ MODULE Binding ------------------------------
(* Schedulers that bind pods by caches that lag; see kspec/peers/binding.py. *)
EXTENDS Naturals, FiniteSets

CONSTANTS P, M, K, C  \* pods, nodes, schedulers, and the pods that a node has room for

VARIABLES b,  \* b[p]: the node of pod p, 0 while it is unbound
          c   \* c[k][p]: what scheduler k has in its cache for pod p

Pods == 1..P
Nodes == 1..M
Schedulers == 1..K

Init == /\ b = [p \in Pods |-> 0]
        /\ c = [k \in Schedulers |-> [p \in Pods |-> 0]]

Sync(k, p) == /\ c[k][p] # b[p]
              /\ c' = [c EXCEPT ![k][p] = b[p]]
              /\ UNCHANGED b

Bind(k, p, m) == /\ c[k][p] = 0
                 /\ b[p] = 0
                 /\ Cardinality({q \in Pods : c[k][q] = m}) < C
                 /\ b' = [b EXCEPT ![p] = m]
                 /\ UNCHANGED c

Next == \E k \in Schedulers, p \in Pods :
            \/ Sync(k, p)
            \/ \E m \in Nodes : Bind(k, p, m)

Spec == Init /\ [][Next]_<<b, c>>
=============================================================================
