#!/usr/bin/env python3
"""The mail servers at the far end, for tests: one small SMTP server that answers by the recipient's domain.

    smtp_responder.py PORT_FILE [FOLDER]

Listens on a free port of 127.0.0.1 and writes the number to PORT_FILE. Mail it accepts is saved in FOLDER, one file
each, as it came (CRLF line ends) and under a line `X-Envelope: FROM -> TO[, TO]`.
"""
import itertools
import os
import socketserver
import sys

# Domain -> the answer to RCPT TO. A domain that stands in neither table is accepted.
AT_RCPT = {
    "hard.example": "550 5.1.1 <{to}>: Recipient address rejected: User unknown",
    "nodomain.example": "550 5.1.2 Bad destination system: no such host",
    "moved.example": "551 5.1.6 User has moved, try <new.{to}>",
    "disabled.example": "550 5.2.1 The account {to} is disabled",
    "full.example": "552 5.2.2 Mailbox of {to} is full",
    "nearlyfull.example": "452 4.2.2 Mailbox over quota, try again later",
    "slow.example": "451 4.3.0 Temporary failure, try again later",
    "grey.example": "450 4.7.1 Greylisted, see you in a while",
    "route.example": "550 5.4.1 Recipient address rejected: Access denied",
    "nocode.example": "550 no such user here",
}
# Domain -> the answer to the end of DATA.
AT_DATA = {
    "policy.example": "550 5.7.1 Message rejected by policy: looks like spam",
    "toobig.example": "552 5.3.4 Message too big for this system",
    "content.example": "554 5.6.0 Message content rejected",
}
NUMBERS = itertools.count(1)


def address(line):
    """What stands between the angle brackets of MAIL FROM and RCPT TO."""
    return line.partition("<")[2].rpartition(">")[0] if "<" in line else line.partition(":")[2].strip()


class Session(socketserver.StreamRequestHandler):
    """One connection."""

    def say(self, text):
        self.wfile.write(text.encode("utf-8") + b"\r\n")

    def handle(self):
        self.say("220 mx.remote.example ESMTP")
        self.reset()
        try:
            while line := self.rfile.readline(4096):
                if not self.command(line.decode("utf-8", "replace").strip()):
                    break
        except (BrokenPipeError, ConnectionResetError):
            pass

    def reset(self):
        self.sender, self.recipients = "", []

    def command(self, line):
        verb = line[:4].upper()
        if verb == "EHLO":
            for item in ("mx.remote.example", "PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 52428800"):
                self.say("250-" + item)
            self.say("250 ENHANCEDSTATUSCODES")
        elif verb == "RCPT":
            self.rcpt(address(line))
        elif verb == "DATA":
            self.data()
        elif verb == "QUIT":
            self.say("221 2.0.0 Bye")
            return False
        elif verb in ("HELO", "MAIL", "RSET", "NOOP"):
            if verb in ("MAIL", "RSET"):
                self.reset()
            if verb == "MAIL":
                self.sender = address(line)
            self.say("250 2.0.0 Ok")
        else:
            self.say("502 5.5.2 Command not recognized")
        return True

    def rcpt(self, to):
        refusal = AT_RCPT.get(to.rpartition("@")[2].lower())
        if refusal is None:
            self.recipients.append(to)
        self.say(refusal.format(to=to) if refusal else "250 2.1.5 Ok")

    def data(self):
        if not self.recipients:
            self.say("554 5.5.1 No valid recipients")
            return
        self.say("354 End data with <CR><LF>.<CR><LF>")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b".\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        refusal = next((AT_DATA[d] for to in self.recipients if (d := to.rpartition("@")[2].lower()) in AT_DATA), None)
        if refusal is None:
            self.save(b"".join(lines))
        self.say(refusal or "250 2.0.0 Ok: queued")
        self.reset()

    def save(self, message):
        if self.server.folder:
            name = os.path.join(self.server.folder, f"{next(NUMBERS):06}.eml")
            envelope = f"X-Envelope: {self.sender} -> {', '.join(self.recipients)}\r\n".encode("utf-8")
            with open(name + ".part", "wb") as out:
                out.write(envelope + message)
            os.rename(name + ".part", name)


class Server(socketserver.ThreadingTCPServer):
    """One thread a connection."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


def main():
    """Serves until it is stopped."""
    with Server(("127.0.0.1", 0), Session) as server:
        server.folder = sys.argv[2] if len(sys.argv) > 2 else None
        with open(sys.argv[1] + ".part", "w", encoding="ascii") as out:
            out.write(str(server.server_address[1]))
        os.rename(sys.argv[1] + ".part", sys.argv[1])
        server.serve_forever()


if __name__ == "__main__":
    main()
