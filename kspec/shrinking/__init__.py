"""The parts of shrinking: what was tried, replays that share a prefix, the schedule, the world."""
