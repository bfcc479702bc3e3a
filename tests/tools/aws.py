"""A stand-in for AWS in tests: moto, and what moto leaves out.

Prints its port, and ends when its standard input does. Beside moto's own calls it takes:

  POST /_test/answers   {"to", "holding", "bearing", "status", "headers", "body", "delay", "times"}: answers such calls
                        instead of moto. `to` is an operation (`DescribeImages`), a method and a path
                        (`GET /clusters/shop`) or a method; `holding` is a part of the request's body, `bearing` are
                        headers with a part of what each holds. Without `times` it holds until the end.
  POST /_test/forget    {}: forgets the answers that were to be given some times more.
  POST /_test/clusters  {"region", "name", "nodegroup"?, "set": {attribute: value}}: moto's clusters are always well.
  POST /_test/pages     {"keys"}: how many keys S3 lists a page.
  GET  /_test/calls     what was called, in order.
"""

import hashlib
import io
import json
import os
import sys
import threading
import time

from moto.ecr import models as ecr
from moto.eks.models import eks_backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

ACCOUNT = "123456789012"


def digest(image):
    """A digest is that of the manifest; moto makes it from the layers."""
    if not image._image_digest:
        manifest = image.image_manifest.encode()
        image._image_digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    return image._image_digest


ecr.Image.get_image_digest = digest


class Stand:
    def __init__(self):
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.answers = []
        self.calls = []
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        request = Request(environ)
        body = request.get_data(cache=True)
        if request.path.startswith("/_test/"):
            return self.control(request, body)(environ, start_response)
        target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        call = target or f"{request.method} {request.path}"
        answer = self.answer(call, request.headers, body)
        if answer is None:
            environ["wsgi.input"] = io.BytesIO(body)
            return self.moto(environ, start_response)
        time.sleep(answer.get("delay", 0))
        response = Response(answer["body"], answer["status"], answer.get("headers", {}))
        return response(environ, start_response)

    def answer(self, call, headers, body):
        with self.lock:
            self.calls.append(call)
            # The one that was set last comes first.
            for answer in reversed(self.answers):
                if (
                    answer["to"] in (call, call.split(" ")[0])
                    and answer.get("holding", "").encode() in body
                    and all(part in headers.get(name, "") for name, part in answer.get("bearing", {}).items())
                ):
                    if "times" in answer:
                        answer["times"] -= 1
                        if answer["times"] == 0:
                            self.answers.remove(answer)
                    return answer
        return None

    def control(self, request, body):
        with self.lock:
            if request.path == "/_test/calls":
                return Response(json.dumps(self.calls))
            wish = json.loads(body)
            if request.path == "/_test/answers":
                self.answers.append(wish)
            elif request.path == "/_test/forget":
                self.answers = [answer for answer in self.answers if "times" not in answer]
            elif request.path == "/_test/pages":
                # Read at each list.
                os.environ["MOTO_S3_DEFAULT_MAX_KEYS"] = str(wish["keys"])
            elif request.path == "/_test/clusters":
                thing = eks_backends[ACCOUNT][wish["region"]].clusters[wish["name"]]
                if "nodegroup" in wish:
                    thing = thing.nodegroups[wish["nodegroup"]]
                for name, value in wish["set"].items():
                    setattr(thing, name, value)
            else:
                return Response("no such control", 404)
        return Response("{}")


def main():
    server = make_server(
        "127.0.0.1", 0, Stand(), threaded=True, request_handler=MotoRequestHandler
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
