"""Reads a backup as others do: YAML 1.1 by PyYAML, encrypted files by jwcrypto. Prints all objects as JSON, by path.

Usage: backup.py FOLDER [KEY]
"""

import base64
import json
import pathlib
import sys

import yaml
from jwcrypto import jwe, jwk

folder = pathlib.Path(sys.argv[1])
objects = {}
for path in sorted(folder.rglob("*.y*")):
    text = path.read_text()
    if path.suffix == ".jwe":
        secret = base64.urlsafe_b64encode(base64.b64decode(sys.argv[2])).rstrip(b"=").decode()
        token = jwe.JWE()
        # It is no algorithm that is on by default: the key is the key of the content.
        token.allowed_algs = ["dir", "A256GCM"]
        token.deserialize(text, jwk.JWK(kty="oct", k=secret))
        header = json.loads(token.objects["protected"])
        assert header["file"] == str(path.relative_to(folder)), header
        assert header["kid"] == jwk.JWK(kty="oct", k=secret).thumbprint(), header
        text = token.payload.decode()
    objects[str(path.relative_to(folder))] = yaml.safe_load(text)
json.dump(objects, sys.stdout)
