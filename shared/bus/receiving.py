"""Taking messages from a bound socket, where a stranger may have sent any number of frames."""

from __future__ import annotations

import asyncio

import zmq
import zmq.asyncio

SLICE = 2000
"""Frames that are thrown away before others have a turn."""


async def receive(socket: zmq.asyncio.Socket, most: int) -> list[zmq.Frame]:
    """The next message: its first frames, ``most`` + 1 at the most. What it has beyond is thrown away. Others have a
    turn before it returns: a socket that always has a message would keep the event loop to itself."""
    await asyncio.sleep(0)
    frame = await socket.recv(copy=False)
    frames = [frame]
    while frame.more and len(frames) <= most:
        frame = await socket.recv(flags=zmq.NOBLOCK, copy=False)
        frames.append(frame)
    if frame.more:
        await _throw_away(socket)
    return frames


async def _throw_away(socket: zmq.asyncio.Socket) -> None:
    plain: zmq.Socket[bytes] = zmq.Socket.shadow(socket.underlying)
    thrown = 1
    while plain.recv(flags=zmq.NOBLOCK, copy=False).more:
        thrown += 1
        if thrown % SLICE == 0:
            await asyncio.sleep(0)


def descriptor_of(frame: zmq.Frame) -> int | None:
    """The descriptor of the connection that a frame came by, where libzmq says it."""
    try:
        return int(frame.get(zmq.SRCFD))
    except zmq.ZMQError:
        return None
