"""Text of a study or of its data is shown as it is: never run by a browser, LaTeX or a spreadsheet.

That no name leaves `results/` is held by test_hostile_input.py and test_study.py.
"""

import csv
import json
from html.parser import HTMLParser

import pytest
from ganbench.report.report import write_report
from ganbench.study import resolve as study
from ganbench.study.schema import StudyError
from project import tiny_study
from report_example import make_results, make_study, without_pdf

EVIL = "\"'><script>evil()</script><img src=x onerror=evil()>{{7*7}}{% x %}\\input{evil}$%&#_^~"
FORMULA = "=cmd|'/c calc'!A1"
STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet compute a cell."""


class Elements(HTMLParser):
    """Every element of a page, with the names of its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple] = []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, *sorted(name for name, _ in attributes)))


def elements(page: str) -> list[tuple]:
    parser = Elements()
    parser.feed(page)
    return parser.found


def written(folder, text):
    """A report's folder where `text` stands wherever a study, an image folder or a machine can."""
    resolved = make_study(seeds=2, title=text, description=text)
    for definition in resolved["objectives"].values():
        definition.update({key: text for key in ("title", "paper", "note") if key in definition})
    for dataset in resolved["datasets"].values():
        dataset["source"] = text
    inputs = make_results(folder / "made", resolved, diverged=[("digits", "minimax", 0)])
    for kind in ("cards", "extractor_cards"):
        for file in inputs[kind]:
            card = json.loads(file.read_text())
            card |= {key: text for key in TEXTS & card.keys()}
            card |= {key: [text, text] for key in ("class_names", "decisions") if key in card}
            file.write_text(json.dumps(card))
    for file in inputs["runs"]:
        run = json.loads(file.read_text())
        run["reason"] = run["reason"] and text
        run["device"] = text
        run["machine"]["processor"] = text
        file.write_text(json.dumps(run))
    with without_pdf():
        write_report(resolved, inputs, folder / "report")
    return folder / "report"


TEXTS = {"title", "source", "licence", "citation", "trained_on", "weights"}


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    return written(tmp_path_factory.mktemp("evil"), EVIL)


@pytest.mark.promise("safe-page")
def test_hostile_text_adds_no_element_to_the_page(evil, tmp_path):
    harmless = (written(tmp_path, "harmless") / "report.html").read_text(encoding="utf-8")
    hostile = (evil / "report.html").read_text(encoding="utf-8")
    assert harmless.count("harmless") > 10
    assert hostile.count("&lt;script&gt;evil()") > 10
    assert "{{7*7}}" in hostile, "a template within the text was run"
    assert elements(hostile) == elements(harmless)


@pytest.mark.promise("safe-latex")
def test_hostile_text_is_escaped_in_figures_and_latex(evil):
    for file in [*evil.glob("figures/*.svg"), *evil.glob("tables/*.tex")]:
        text = file.read_text(encoding="utf-8")
        assert "<script" not in text, file
        assert "\\input" not in text, file


@pytest.mark.promise("safe-csv")
def test_spreadsheet_computes_no_cell_of_a_csv(tmp_path):
    """A cell that begins like a formula is a number; so do the copies in the page."""
    folder = written(tmp_path, FORMULA)
    tables = list(folder.glob("*.csv"))
    assert {table.stem for table in tables} >= {"scores", "summary", "comparisons", "best_steps"}
    for table in tables:
        with table.open(newline="", encoding="utf-8") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert cells
        for cell in cells:
            if cell.startswith(STARTS):
                float(cell)


@pytest.mark.parametrize("name", [FORMULA, "+1", "-1", "@a", "../up", "a/b", ".", "a b", "é", "A"])
@pytest.mark.parametrize("what", ["study", "datasets", "variants", "objectives"])
@pytest.mark.promise("safe-names")
def test_name_that_could_be_a_formula_or_a_path_is_refused(what, name):
    values = {
        "study": name,
        "datasets": {name: {"kind": "digits"}},
        "variants": {name: {"objective": "minimax"}},
        "objectives": {name: {"discriminator": "softplus(f - r)", "generator": "softplus(r - f)"}},
    }
    with pytest.raises(StudyError):
        study.resolve(tiny_study(**{what: values[what]}), "tiny.yaml")
