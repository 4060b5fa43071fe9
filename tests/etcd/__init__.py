"""The model of the store held against a real etcd server."""
