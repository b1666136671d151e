#!/usr/bin/env python3
"""many_gets.py ADDRESS PATH N SHA256: N downloads at once; prints how many are whole and right."""
import asyncio
import hashlib
import sys


async def get(address, path):
    reader, writer = await asyncio.open_connection(address, 80)
    writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    data = await asyncio.wait_for(reader.read(-1), 60)
    writer.close()
    head, body = data.split(b"\r\n\r\n", 1)
    return b" 200 " in head.split(b"\r\n")[0] and hashlib.sha256(body).hexdigest()


async def main():
    address, path, n, right = sys.argv[1:]
    got = await asyncio.gather(*(get(address, path) for _ in range(int(n))), return_exceptions=True)
    for error in {repr(g) for g in got if g != right}:
        print(error, file=sys.stderr)
    print(got.count(right), "of", n)


asyncio.run(main())
