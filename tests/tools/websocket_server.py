"""A WebSocket server that opens at /ws and refuses elsewhere: `websocket_server.py PORT`."""

import http
import sys

from websockets.sync.server import serve


def refuse(connection, request):
    if request.path != "/ws":
        return connection.respond(http.HTTPStatus.FORBIDDEN, "not here\n")
    return None


def echo(connection):
    for message in connection:
        connection.send(message)


def choose(connection, offered):
    return "chat" if "chat" in offered else None


port = int(sys.argv[1])
with serve(echo, "127.0.0.1", port, process_request=refuse, select_subprotocol=choose) as server:
    server.serve_forever()
