"""Prints every frame that passes on the bus: ``python subscriber.py ipc:///tmp/parafovea-1000/frames`` (needs pyzmq).

``parafovea bus`` prints your address; docs/bus.md says what else is in a header.
"""

import hashlib
import json
import sys

import zmq

socket = zmq.Context().socket(zmq.SUB)
socket.connect(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5550")
socket.subscribe(b"frame|")
while True:
    topic, head, png = socket.recv_multipart()
    header = json.loads(head)
    genuine = hashlib.sha256(png).hexdigest() == header["sha256"]
    print(header["seq"], header["target_sector"], len(png), "genuine" if genuine else "ALTERED", flush=True)
