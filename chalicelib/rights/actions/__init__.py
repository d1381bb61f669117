"""What a family may ask about its child's data, and what ends by itself.

looking    who looked at a child's data, as its family is told
copying    all there is about a child, in one file
erasing    a child forgotten: asked, carried out, stopped, repeated after a restore
breaching  whose data somebody saw, for the drill
retaining  what is kept no longer
"""
