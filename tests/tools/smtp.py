"""A mail server for tests: aiosmtpd on a free port of this machine.

Prints its port, then one line of JSON for each mail that it took. Ends when its input is closed.
Arguments: --tls | --starttls with --certificate and --key; --login NAME:PASSWORD; --answers a reply to each mail in
turn, the last one again and again: "250 OK", "451 later", "550 no", or "hang", "drop".
"""

import argparse
import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--starttls", action="store_true")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--login")
    parser.add_argument("--answers", nargs="*", default=["250 OK"])
    return parser.parse_args()


class Mailbox:
    def __init__(self, answers):
        self.answers = answers

    async def handle_DATA(self, server, session, envelope):
        print(
            json.dumps(
                {
                    "from": envelope.mail_from,
                    "to": envelope.rcpt_tos,
                    "tls": server.transport.get_extra_info("sslcontext") is not None,
                    "login": session.authenticated,
                    "mail": envelope.original_content.decode("utf-8"),
                }
            ),
            flush=True,
        )
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == "hang":
            await asyncio.sleep(3600)
        if answer == "drop":
            server.transport.abort()
        return answer


async def main():
    options = arguments()
    context = None
    if options.tls or options.starttls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate, options.key)

    def authenticate(server, session, envelope, mechanism, data):
        given = f"{data.login.decode()}:{data.password.decode()}"
        return AuthResult(success=given == options.login)

    mailbox = Mailbox(options.answers)

    def connection():
        return SMTP(
            mailbox,
            hostname="localhost",
            tls_context=context if options.starttls else None,
            require_starttls=options.starttls,
            authenticator=authenticate if options.login else None,
            auth_required=bool(options.login),
            auth_require_tls=not options.tls,
            enable_SMTPUTF8=True,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, "127.0.0.1", 0, ssl=context if options.tls else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    loop.stop()


try:
    asyncio.run(main())
except RuntimeError:
    # The loop was stopped on purpose.
    pass
