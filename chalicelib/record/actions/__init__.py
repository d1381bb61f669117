"""What can be done with the log.

sequencing    each journal entry gets its place, once
searching     what streams lost is found and gets its place
publishing    signed checkpoints and the files that go with them
refilling     the log once more, where its rows were lost
proving       tiles, inclusion, consistency
queues        the entries of published queues, among the queues' files
opening       what a leaf was made of, for those who may know
"""
