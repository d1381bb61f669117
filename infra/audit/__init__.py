"""Recomputing a month from an export of the tables, outside Kezek: `kezek audit`.

    generating   an invented national month, as an export
    exports      what an export is: files as DynamoDB writes them, and whether they are whole
    law          what the rule packs say, as numbers; and the lines that need the law itself
    recomputing  marks to lines to money, in DuckDB
    comparing    what came out against statements and ledger

DuckDB is no part of what ships; its version stands in `requirements.txt` beside this file.
"""
