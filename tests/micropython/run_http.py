"""Runs under MicroPython: run_http.py FOLDER_OF_NULLWATT. A request per line on stdin, what came of it on stdout."""

import asyncio
import json
import sys

sys.path.insert(0, sys.argv[1])
sys.path.insert(0, ".")

from nullwatt.http import Client, HttpError


async def answer(case):
    client = Client(case["url"], case.get("user", ""), case.get("password", ""), case.get("headers"))
    found = []
    for _ in range(case.get("times", 1)):
        asked = client.request(
            case.get("method", "GET"), body=case.get("body", "").encode(), limit=case.get("limit", 16384)
        )
        reply = await asyncio.wait_for(asked, case.get("timeout", 10))
        found.append({"status": reply.status, "body": reply.body.hex(), "headers": reply.headers})
    return found


for line in sys.stdin:
    try:
        print(json.dumps({"replies": asyncio.run(answer(json.loads(line)))}))
    except HttpError as error:
        print(json.dumps({"error": str(error)}))
    except BaseException as error:
        print(json.dumps({"unexpected": repr(error)}))
    asyncio.new_event_loop()
