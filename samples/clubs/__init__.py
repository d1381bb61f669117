"""An invented Karaganda: forty clubs in three directions, three thousand pupils, one October.

october.py    the month: lessons of a weekly timetable, holidays, who misses what
city.py       clubs and groups, and which stream of pupils fills each
pupils.py     families: statuses, clubs, the way each came to its voucher
registers.py  what two closing platforms export
plan.py       who taps, who keeps silent, who contests, who moves on
planted.py    the trouble, and who must catch it
expected.py   what must come out, per direction
files.py      all of it as files
"""
