"""Pictures of samples, drawn without torch: rows of images, and histograms of points."""

import numpy as np

GAP_GREY = 70
"""The grey value of the gap between two images of a picture."""
POINTS_LIMIT = 3.0
"""Pictures of points show coordinates from minus this to plus this."""


def draw_image_row(pixels: np.ndarray) -> np.ndarray:
    """Images `(count, channels, height, width)` side by side, separated by a grey line.

    Takes and returns uint8; the picture is `(height + 1, count · (width + 1)[, 3])`.
    """
    gaps = ((0, 0), (0, 0), (0, 1), (0, 1))
    cells = np.pad(pixels, gaps, constant_values=GAP_GREY)
    count, channels, height, width = cells.shape
    row = cells.transpose(2, 0, 3, 1).reshape(height, count * width, channels)
    return row.squeeze(2) if channels == 1 else row


def draw_histogram(points: np.ndarray) -> np.ndarray:
    """The histogram of points `(count, dimensions)`: bars in one dimension, brightness in two."""
    box = [(-POINTS_LIMIT, POINTS_LIMIT)] * points.shape[1]
    if points.shape[1] == 1:
        counts, _ = np.histogramdd(points, bins=128, range=box)
        heights = counts / max(counts.max(), 1) * 64
        return np.where(np.arange(64)[::-1, None] < heights, 255, 0).astype(np.uint8)
    counts, _ = np.histogramdd(points[:, :2], bins=96, range=box[:2])
    brightness = np.sqrt(counts / max(counts.max(), 1))
    return (brightness.T[::-1] * 255).round().astype(np.uint8)
