"""Scheduler policies on trial: the sections of the report card, each in its own module."""
