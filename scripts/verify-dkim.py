#!/usr/bin/env python3
"""Checks the first DKIM signature of a mail with dkimpy, against a record given in place of DNS.

    verify-dkim.py FILE TXTRECORD

Prints `pass` or `fail`; leaves with 0 when it passes, 1 when it fails, 77 when dkimpy or pynacl is missing.
"""
import sys

try:
    import dkim
    import nacl.signing  # noqa: F401 (Ed25519 in dkimpy)
except ImportError:
    print("skip: needs dkimpy and pynacl")
    sys.exit(77)


def main():
    """Reads, checks, tells."""
    with open(sys.argv[1], "rb") as file:
        message = file.read()
    try:
        good = dkim.DKIM(message).verify(dnsfunc=lambda name, timeout=5: sys.argv[2].encode("ascii"))
    except dkim.DKIMException as fault:
        print(f"fail: {fault}")
        sys.exit(1)
    print("pass" if good else "fail")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
