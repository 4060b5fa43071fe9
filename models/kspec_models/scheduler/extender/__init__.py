"""Scheduler extenders: programs that judge and rate nodes over HTTP."""
