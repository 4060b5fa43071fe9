/* Schedulers that bind pods by caches that lag. Generated; see kspec/peers/binding.py.
   One process and one d_step for each action: its states are those of the variables. */

#define P $pods
#define C $capacity

byte b[P];      /* the node of each pod, 0 while it is unbound */
byte c[P * $schedulers];  /* c[k * P + p]: what scheduler k has in its cache for pod p */

/* how many pods scheduler k sees on node m */
#define ON(k, m)  ($on)

#define SYNC(k, p)     d_step { c[k * P + p] != b[p] -> c[k * P + p] = b[p] }
#define BIND(k, p, m)  d_step { c[k * P + p] == 0 && b[p] == 0 && ON(k, m) < C -> b[p] = m }

active proctype schedulers() {
end:  /* it is no error that nothing is left to do */
    do
$actions
    od
}
