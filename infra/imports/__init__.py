"""Files as akimats have them, read row by row and sent through the HTTP API.

sheets.py        bytes → headings and rows: CSV or XLSX, any of our encodings and separators
vocabulary.py    headings and words in Russian and Kazakh, kept in vocabulary.toml
cells.py         a cell → a date, a number, a code, or a refusal that names the column
families.py      child and representative of a row
providers.py     rows → what is sent, one module per kind of file
applications.py
attendance.py
registers.py     the register of a platform that closes
moving.py        such a register from end to end
reconciling.py   before and after a move: rows, tenge and places accounted for
sending.py       many requests at once, those of one child in the order of the file
report.py        what was refused: file, line, column, reason in three languages
running.py       one file from end to end
"""
