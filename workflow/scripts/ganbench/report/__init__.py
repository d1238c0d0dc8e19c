"""The stage that reports: tables, figures and one page, from a study's result files."""
