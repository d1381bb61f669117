"""The embedded local cloud: data engine, HTTP API, queue, streams and schedules on loopback.

places.py      where everything lies in .local/, and what the children are told
engine.py      the data engine: dynoxide, ministack, or whatever DYNAMODB_ENDPOINT names
messages.py    the durable queue; sqs.py answers boto3 with it
sources.py     what app.py listens to; events.py says it in AWS's shapes
dispatch.py    one delivery: queue batch, stream batch, schedule; with retries and dead letters
runner.py      the process that delivers; web.py the one that answers HTTP
supervisor.py  starts, restarts and stops them; control.py talks to it
testing.py     the same cloud inside a test process; faults.py breaks it on purpose
"""
