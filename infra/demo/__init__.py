"""`kezek demo`: whole programmes on invented cities, over HTTP.

stage.py      a local cloud of its own, its clock, tokens, many hands at once
figures.py    what a story must give, what it gave, and how both are shown
admitting.py  a new provider comes on the List by the book
settling.py   figures, claims through three hands, the bank, after every month
preschool/    kindergartens of Taldykorgan
clubs/        clubs of Karaganda
main.py       which story is played; at the end the system stays, with tokens for each role
"""
