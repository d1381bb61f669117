"""Files as akimats have them, read row by row and sent through the HTTP API.

sheets.py        bytes → headings and rows: CSV or XLSX, any of our encodings and separators
vocabulary.py    headings and words in Russian and Kazakh, kept in vocabulary.toml
cells.py         a cell → a date, a number, a code, or a refusal that names the column
providers.py     rows → what is sent, one module per kind of file
applications.py
attendance.py
sending.py       many requests at once, those of one child in the order of the file
report.py        what was refused: file, line, column, reason in three languages
running.py       one file from end to end
"""
