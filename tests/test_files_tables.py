"""Tables become text whose every piece has the table's name and header, so that a search finds rows it can read."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import FileRefused
from bot.files.tables import BLOCK, MOST_ROWS, blocks, delimiter_of, header_at, render
from tests.file_world import OLE, xlsx


def rendered(folder: Path, content: bytes, form: str = "csv", name: str = "sales.csv") -> tuple[list[str], str]:
    """The blocks of a table, and the note."""
    (folder / "in").write_bytes(content)
    note = render(folder / "in", form, name, folder / "out")
    return (folder / "out").read_text(encoding="utf-8").strip().split("\n\n"), note


def refused(folder: Path, content: bytes, form: str) -> str:
    with pytest.raises(FileRefused) as caught:
        rendered(folder, content, form)
    return str(caught.value)


def test_a_small_table_is_one_block(tmp_path: Path) -> None:
    assert rendered(tmp_path, b"region,amount\nNorth,1.50\nSouth,2\n") == (
        ["Table sales.csv, rows 2-3\n| region | amount |\n| North | 1.50 |\n| South | 2 |"],
        "",
    )


def test_every_block_has_the_header_and_says_which_rows_it_holds(tmp_path: Path) -> None:
    lines = ["city,limit", *(f"City {n},{n}" for n in range(2, 502))]
    found, note = rendered(tmp_path, "\n".join(lines).encode())
    assert note == ""
    assert len(found) > 10
    seen = []
    for block in found:
        caption, header, *rows = block.split("\n")
        assert len(block) <= BLOCK
        assert header == "| city | limit |"
        first, last = map(int, re.findall(r"rows (\d+)-(\d+)$", caption)[0])
        assert [r.split(" ")[2] for r in rows] == [str(n) for n in range(first, last + 1)]
        seen += rows
    assert seen == [f"| City {n} | {n} |" for n in range(2, 502)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_tables_are_read_as_programs_write_them(tmp_path: Path, encoding: str, delimiter: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerows([["Straße", "Betrag, netto"], ["Am\nMarkt", "1.234,50"], ["Überall | hier", "7,00"]])
    (block,), _ = rendered(tmp_path, out.getvalue().encode(encoding))
    assert block.split("\n")[1:] == [
        "| Straße | Betrag, netto |",
        "| Am Markt | 1.234,50 |",
        "| Überall \\| hier | 7,00 |",
    ]


def test_a_delimiter_is_one_that_all_lines_share() -> None:
    assert delimiter_of(["a;b", "1,5;2", "3;4,25"]) == ";"
    assert delimiter_of(["Preis;Menge, Stück", "1,50;2,00"]) == ";"
    assert delimiter_of(["a,b;c", "d,e"]) == ","
    assert delimiter_of([])


def test_what_stands_above_the_header_goes_with_every_block(tmp_path: Path) -> None:
    lines = ["Travel policy 2026,,", ",,", "city,season,limit", *(f"Town {n},summer,{n}" for n in range(100))]
    found, _ = rendered(tmp_path, "\n".join(lines).encode())
    assert len(found) > 3
    for block in found:
        assert block.startswith("Table sales.csv, Travel policy 2026, rows ")
        assert block.split("\n")[1] == "| city | season | limit |"
    assert "rows 4-" in found[0]


def test_the_header_is_the_first_row_that_is_nearly_full() -> None:
    assert header_at([["Title", "", ""], ["a", "b", "c"], ["1", "2", "3"]]) == 1
    assert header_at([["a", "b", ""], ["1", "2", "3"]]) == 0


def test_wide_rows_become_a_line_for_each_cell(tmp_path: Path) -> None:
    header = [f"a question with a long name, number {n}" for n in range(30)]
    rows = [[f"answer {r}.{n}" for n in range(30)] for r in range(3)]
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    found, _ = rendered(tmp_path, out.getvalue().encode())
    text = "\n".join(found)
    for r in range(3):
        for n in range(30):
            assert f"a question with a long name, number {n}: answer {r}.{n}" in text.splitlines()
    assert all(re.match(r"Table sales.csv, row [234]\n", block) and len(block) <= BLOCK + 40 for block in found)


def test_one_long_cell_is_cut_and_not_lost(tmp_path: Path) -> None:
    words = [f"w{n}" for n in range(600)]
    found, _ = rendered(tmp_path, f"id,story\n1,short\n2,{' '.join(words)}\n3,short\n".encode())
    assert all(len(block) <= BLOCK + 40 for block in found)
    told = "".join(line for block in found if ", row 3\n" in block + "\n" for line in block.split("\n")[1:])
    assert all(word in told for word in words[::50])
    assert "| 3 | short |" in found[-1]


def test_a_spreadsheet_shows_each_sheet_with_dates_and_numbers_as_they_are(tmp_path: Path) -> None:
    book = xlsx({"North": [["item", "price"], ["Pen", 2], ["Ink", 1.25]], "South & East": [["item"], ["Cup"]]})
    found, _ = rendered(tmp_path, book, "xlsx", "stock.xlsx")
    assert found == [
        "Table stock.xlsx, sheet North, rows 2-3\n| item | price |\n| Pen | 2 |\n| Ink | 1.25 |",
        "Table stock.xlsx, sheet South & East, row 2\n| item |\n| Cup |",
    ]


def test_a_table_of_a_header_alone_is_said_to_have_no_rows(tmp_path: Path) -> None:
    assert rendered(tmp_path, b"a,b\n")[0] == ["Table sales.csv, no rows\n| a | b |"]
    assert refused(tmp_path, b"\n\n,,\n", "csv") == "it has no rows"
    assert refused(tmp_path, xlsx({"Empty": []}), "xlsx") == "it has no rows"


def test_a_very_long_table_is_cut_with_a_note(tmp_path: Path) -> None:
    content = b"n,square\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(MOST_ROWS + 500))
    found, note = rendered(tmp_path, content)
    count = sum(block.count("\n") - 1 for block in found)
    assert MOST_ROWS <= count < MOST_ROWS + 50
    assert note == f"only its first {count:,} rows can be searched; calculations use all"


def test_what_is_no_table_is_called_damaged(tmp_path: Path) -> None:
    assert refused(tmp_path, b"PK\x03\x04 nothing", "xlsx") == "it is damaged"
    assert refused(tmp_path, OLE + bytes(2000), "xls") == "it is damaged"
    assert refused(tmp_path, b"a,b\n1,\x00\n", "csv") == "it is no text, whatever it is called"


cells = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), max_size=60)


@given(st.lists(st.lists(cells, min_size=1, max_size=12), max_size=40), st.text("abc, ", max_size=300))
def test_no_cell_is_lost_and_no_block_outgrows_a_chunk(rows: list[list[str]], caption: str) -> None:
    found = list(blocks(caption, list(enumerate(rows, 1))))
    text = "\n".join(block for _, block in found)
    full = [row for row in rows if any(row)]
    for row in full[header_at(full) + 1 :] if full else []:
        for cell in row:
            assert cell.replace("|", "\\|") in text or cell in text
    assert all(len(block) <= BLOCK * 2 for _, block in found)
    assert sum(count for count, _ in found) >= len(full) - (header_at(full) + 1 if full else 0)
