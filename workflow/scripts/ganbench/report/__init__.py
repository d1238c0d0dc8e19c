"""The report: tables, figures and one page, from a study's result files."""

from ganbench.report.write import write_report

__all__ = ["write_report"]
