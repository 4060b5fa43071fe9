"""A policy on trial: the report card that every section of a trial writes into."""

from __future__ import annotations

from kspec.trial.card import Card, Charge, Finding, Section

__all__ = ["Card", "Charge", "Finding", "Section"]
