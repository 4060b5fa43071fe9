import time


class ReadsTheClock:
    """It packs by day and spreads by night."""

    name = "reads-the-clock"

    def score(self, pod, node_infos, context):
        is_day = 6 <= time.gmtime().tm_hour < 18
        full = [min(100, len(info.pods)) for info in node_infos]
        return full if is_day else [100 - each for each in full]
