"""What the class probabilities mean."""

CLASSES = ("routine", "review", "veto_candidate")

TOLERANCE = {"class_probabilities": 0.02}
"""How far each proved probability may lie from float32."""


def decide(outputs: dict[str, list[list[float]]]) -> str:
    """Name the likeliest class."""
    probabilities = outputs["class_probabilities"][0]
    return CLASSES[probabilities.index(max(probabilities))]
