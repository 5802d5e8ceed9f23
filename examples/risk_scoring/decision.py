"""What a score means to the lending market of this story."""

TOLERANCE = 0.005
"""How far the proved probability may lie from float32."""

WATCH_FROM, REDUCE_FROM = 0.01, 0.05


def decide(output: list[list[float]]) -> str:
    """Put a score in words."""
    probability = output[0][0]
    if probability >= REDUCE_FROM:
        return "reduce: lower the loan's limit"
    return "watch: no new debt" if probability >= WATCH_FROM else "accept"
