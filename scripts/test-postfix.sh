#!/usr/bin/env bash
# Runs a command beside a private Postfix on loopback, which is stopped and removed afterwards. The command is given
#   TEST_POSTFIX_PORT      where Postfix takes mail from anyone, without TLS
#   TEST_POSTFIX_MAILDIR   the Maildir of everything sent to @bounce.test, `b+…` and all else: where bounces land
#   TEST_POSTFIX_ACCEPTED  a folder of what the servers at the far end took
# Mail to any other domain goes to scripts/smtp_responder.py, whose tables say which domain answers what. Mail that is
# put off is tried every 2 s, reported as delayed after 3 s and given up after 9 s.
# With TEST_POSTFIX_PORT set already, that server is used. Installs Postfix by apt when root and missing.
set -euo pipefail
if [ -n "${TEST_POSTFIX_PORT:-}" ]; then exec "$@"; fi
skip() { echo "$1: tests on it are skipped" >&2; exec "${@:2}"; }
PATH=$PATH:/usr/sbin
[ "$(id -u)" = 0 ] || skip "Postfix runs as root only" "$@"
command -v python3 >/dev/null || skip "The far end of Postfix needs python3" "$@"
if ! command -v postfix >/dev/null && command -v apt-get >/dev/null; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postfix; } >/dev/null 2>&1 || true
fi
command -v postfix >/dev/null || skip "Postfix is not installed" "$@"

here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d /tmp/reskontro-postfix.XXXXXX)
chmod 755 "$dir"
responder=
stop() {
  local pid
  pid=$(tr -d ' ' 2>/dev/null <"$dir/queue/pid/master.pid" || true)
  if [ -n "$pid" ]; then
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -9 -- "-$pid" 2>/dev/null || true
  fi
  if [ -n "$responder" ]; then kill "$responder" 2>/dev/null || true; fi
  rm -rf "$dir"
}
trap stop EXIT
fail() { echo "Postfix did not start" >&2; cat "$dir"/*.log >&2 || true; exit 1; }
await() { for _ in $(seq 100); do if "$@" 2>/dev/null; then return; fi; sleep 0.05; done; fail; }

mkdir -p "$dir"/{conf,queue,data,mail/box/{new,cur,tmp},accepted}
chown postfix "$dir/data"
chown -R nobody "$dir/mail"
python3 "$here/smtp_responder.py" "$dir/next-port" "$dir/accepted" >"$dir/responder.log" 2>&1 &
responder=$!
await test -s "$dir/next-port"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
bin=$(postconf -d -h daemon_directory)

cat >"$dir/conf/main.cf" <<CONF
compatibility_level = 3.6
queue_directory = $dir/queue
data_directory = $dir/data
maillog_file = $dir/mail.log
maillog_file_prefixes = $dir
multi_instance_enable = no
mail_name = Mail
myhostname = mx.test.example
myorigin = mx.test.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
notify_classes =
biff = no
append_dot_mydomain = no
smtputf8_enable = yes
disable_dns_lookups = yes
smtp_host_lookup = native
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_tls_security_level = none
smtp_tls_security_level = none
relayhost = [127.0.0.1]:$(cat "$dir/next-port")
virtual_mailbox_domains = bounce.test
virtual_mailbox_base = $dir/mail
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
recipient_delimiter = +
in_flow_delay = 0s
queue_run_delay = 2s
minimal_backoff_time = 2s
maximal_backoff_time = 2s
delay_warning_time = 3s
maximal_queue_lifetime = 9s
bounce_queue_lifetime = 9s
CONF

{
  echo "127.0.0.1:$port inet n - n - - smtpd"
  echo "pickup unix n - n 60 1 pickup"
  echo "cleanup unix n - n - 0 cleanup"
  echo "qmgr unix n - n 300 1 qmgr"
  echo "rewrite unix - - n - - trivial-rewrite"
  for name in bounce defer trace; do echo "$name unix - - n - 0 bounce"; done
  for name in verify anvil scache; do echo "$name unix - - n - 1 $name"; done
  echo "flush unix n - n 1000? 0 flush"
  echo "proxymap unix - - n - - proxymap"
  for name in smtp relay; do echo "$name unix - - n - - smtp"; done
  for name in error retry; do echo "$name unix - - n - - error"; done
  echo "discard unix - - n - - discard"
  echo "virtual unix - n n - - virtual"
  echo "showq unix n - n - - showq"
  echo "postlog unix-dgram n - n - 1 postlogd"
} >"$dir/conf/master.cf"

# Straight to the master: `postfix start` would also check and mend the installed files.
mkdir -p "$dir"/queue/{active,bounce,corrupt,defer,deferred,flush,hold,incoming,maildrop,pid,private,public,saved,trace}
chown postfix "$dir"/queue/{active,bounce,corrupt,defer,deferred,flush,hold,incoming,private,public,saved,trace}
chown postfix:postdrop "$dir"/queue/{maildrop,public}
chmod 700 "$dir"/queue/{active,bounce,corrupt,defer,deferred,flush,hold,incoming,private,saved,trace}
chmod 730 "$dir/queue/maildrop"
chmod 710 "$dir/queue/public"
MAIL_CONFIG=$dir/conf "$bin/master" -c "$dir/conf" -w >"$dir/start.log" 2>&1 || fail
greets() { exec 3<>"/dev/tcp/127.0.0.1/$port" && read -r -t 5 _ <&3 && printf 'QUIT\r\n' >&3; }
await greets

export TEST_POSTFIX_PORT=$port TEST_POSTFIX_MAILDIR=$dir/mail/box TEST_POSTFIX_ACCEPTED=$dir/accepted
"$@"
