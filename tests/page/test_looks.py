"""Colours of the page: six parts that can be told apart on each ground, also by those who do not see red, green or blue."""

import itertools
import re

import numpy as np
import pytest

from api.live.page import assets

LEAST_APART = 20.0  # CIE76; ten is told apart at a glance side by side
LEAST_CONTRAST = 3.0  # of what is drawn to its ground, WCAG 2.2 criterion 1.4.11
# What is seen of linear RGB without one kind of cones; G. Machado, M. Oliveira, L. Fernandes, 2009, table 1, severity 1.
SEEN = {
    "all": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}  # fmt: skip
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])


def linear(color: str) -> np.ndarray:
    value = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    x, y, z = np.cbrt(np.clip(TO_XYZ @ np.clip(rgb, 0, 1) / WHITE, 1e-6, None))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(TO_XYZ[1] @ linear(color)) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def schemes() -> list[tuple[list[str], str]]:
    """Return the parts' colours and the ground of each scheme: light, dark, paper."""
    css = assets()["page.css"].content.decode()
    roots = [block for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL) if "--p0" in block]
    return [(re.findall(r"--p\d: (#\w{6})", one), re.findall(r"--card: (#\w{6})", one)[0]) for one in roots]


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("eyes", SEEN)
def test_six_parts_are_told_apart(place, eyes):
    colors, ground = schemes()[place]
    seen = [lab(np.array(SEEN[eyes]) @ linear(one)) for one in colors]

    assert len(colors) == 6
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) >= LEAST_APART
    assert min(contrast(one, ground) for one in colors) >= LEAST_CONTRAST
