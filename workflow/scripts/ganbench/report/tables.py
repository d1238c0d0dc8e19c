"""Tables for papers: booktabs LaTeX of the summary and the comparisons."""

import pandas as pd

_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{each: f"\\{each}" for each in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def latex(table: pd.DataFrame) -> str:
    """`table` as a booktabs `tabular`; numbers to four significant digits, all text escaped."""
    numbers = [pd.api.types.is_numeric_dtype(table[column]) for column in table]
    lines = [
        rf"\begin{{tabular}}{{{''.join('r' if number else 'l' for number in numbers)}}}",
        r"\toprule",
        _line(table.columns),
        r"\midrule",
        *(_line(row) for row in table.itertuples(index=False)),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells) -> str:
    return " & ".join(_cell(cell) for cell in cells) + r" \\"


def _cell(cell: object) -> str:
    if isinstance(cell, float):
        return "--" if pd.isna(cell) else f"{cell:.4g}"
    return "".join(_SPECIAL.get(each, each) for each in str(cell))
