#!/usr/bin/env python3
"""Makes the bounces that stand as fixtures: sends mail through the Postfix of test-postfix.sh and keeps what comes back.

    scripts/test-postfix.sh python3 scripts/make_bounces.py FOLDER
"""
import os
import shutil
import smtplib
import sys
import time

SENDER = "b+0192f0c1a2b37c4d8e5f60718293a4b5.{:016x}@bounce.test"
# File name -> recipients, options of RCPT TO, whether the mail is large (then its headers only come back).
MAILS = {
    "postfix-unknown-user": (["kari@hard.example"], [], False),
    "postfix-unknown-host": (["kari@nodomain.example"], [], False),
    "postfix-moved": (["kari@moved.example"], [], False),
    "postfix-disabled": (["kari@disabled.example"], [], False),
    "postfix-mailbox-full": (["kari@full.example"], [], False),
    "postfix-policy": (["kari@policy.example"], [], False),
    "postfix-access-denied": (["kari@route.example"], [], False),
    "postfix-no-enhanced-code": (["kari@nocode.example"], [], False),
    "postfix-too-big-headers-only": (["kari@toobig.example"], [], True),
    "postfix-two-recipients": (["kari@hard.example", "ola@full.example"], [], False),
    "postfix-relayed": (["kari@ok.example"], ["NOTIFY=SUCCESS"], False),
    "postfix-delivered": (["kari@bounce.test"], ["NOTIFY=SUCCESS"], False),
    "postfix-utf8-address": (["kåre@hard.example"], [], False),
    "postfix-put-off": (["kari@slow.example"], [], False),
}


def message(name, large):
    """An invoice mail, small or large."""
    body = "Hei,\n\nFaktura 10482 er vedlagt. Forfall 13. november. Beløp: 1 250,00 kr.\n" + "." * 70 + "\n"
    return (
        "From: =?utf-8?q?Lillevik_Gr=C3=B8nt?= <faktura@lillevik.example>\nTo: <kari@remote.example>\n"
        f"Subject: Faktura 10482\nMessage-ID: <{name}@mx.test.example>\nDate: Mon, 02 Nov 2026 09:00:00 +0000\n"
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
        + body * (600 if large else 1)
    ).replace("\n", "\r\n").encode("utf-8")


def send(port):
    """Hands every mail to Postfix."""
    for number, (name, (recipients, options, large)) in enumerate(MAILS.items(), 1):
        with smtplib.SMTP("127.0.0.1", port, "app.test.example") as smtp:
            utf8 = ["SMTPUTF8"] if "utf8" in name else []
            smtp.ehlo()
            smtp.sendmail(SENDER.format(number), recipients, message(name, large), ["BODY=8BITMIME", *utf8], options)


def keep(maildir, folder):
    """Names what came back by the Message-ID of the mail it answers."""
    for file in sorted(os.listdir(os.path.join(maildir, "new"))):
        path = os.path.join(maildir, "new", file)
        with open(path, "rb") as inbound:
            text = inbound.read()
        name = next((n for n in MAILS if f"<{n}@".encode() in text), None)
        if name is None or b"multipart/report" not in text:
            continue
        if name == "postfix-put-off":
            name = "postfix-delayed" if b"Action: delayed" in text else "postfix-given-up"
        shutil.copyfile(path, os.path.join(folder, name + ".eml"))
        print(name)


def main():
    """Sends, waits until the slow ones are given up, and keeps."""
    send(int(os.environ["TEST_POSTFIX_PORT"]))
    time.sleep(16)
    keep(os.environ["TEST_POSTFIX_MAILDIR"], sys.argv[1])


if __name__ == "__main__":
    main()
