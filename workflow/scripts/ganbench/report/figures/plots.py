"""What figures of curves show: described once, for files and for the script of the page."""

from dataclasses import dataclass

from ganbench.evidence.scales import IDENTITY, Scale
from ganbench.report.figures.equilibrium_levels import Level


@dataclass(frozen=True)
class Plot:
    """One figure of curves, over a budget or, as dots, `against` another column.

    `name` is that of its files, `label` that of the y-axis; the page prints `subtitle` instead.
    `column` and `other` are columns of the curves' table; of `other` only the mean is drawn.
    Means over seeds are taken on `scale`. `levels` are its guide lines. A `large` figure has the
    variants' names at the ends of lines.
    """

    name: str
    title: str
    label: str
    subtitle: str
    column: str
    other: str = ""
    against: str = ""
    against_label: str = ""
    logarithmic: bool = False
    scale: Scale = IDENTITY
    levels: tuple[Level, ...] = ()
    large: bool = False
