"""Tables written without pandas have the bytes that pandas writes."""

import math

import numpy as np
import pandas as pd
from ganbench.jobs.csv_tables import write_table
from hypothesis import example, given, settings
from hypothesis import strategies as st

COLUMNS = ("variant", "step", "value")
ROWS = st.lists(st.tuples(st.text(), st.integers(-(2**62), 2**62), st.floats()), min_size=1)


@settings(max_examples=200, deadline=None)
@given(rows=ROWS)
@example(rows=[('a "b",\n', 0, math.nan), ("", -1, math.inf)])
def test_table_has_the_bytes_of_pandas(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table.to_csv(folder / "expected.csv", index=False)
    write_table(folder / "table.csv", COLUMNS, rows)
    assert (folder / "table.csv").read_bytes() == (folder / "expected.csv").read_bytes()


def test_cells_without_a_number_are_empty(tmp_path):
    write_table(tmp_path / "t.csv", ("a", "b", "c"), [(math.nan, None, np.float64(0.1))])
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == "a,b,c\n,,0.1\n"


def test_table_without_rows_has_a_header(tmp_path):
    write_table(tmp_path / "t.csv", COLUMNS, [])
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == "variant,step,value\n"
