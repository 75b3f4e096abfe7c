//! Mail that came back: the table beside the fixtures, and input made to hurt.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use reskontro_formats::bounce::{Inbound, InboundKind, RecipientReport, Verdict, read, verdict};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const DOMAIN: &str = "bounce.test";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bounces")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("{name}.eml"))).unwrap()
}

fn reports(name: &str) -> Vec<RecipientReport> {
    match read(&fixture(name), DOMAIN).kind {
        InboundKind::Report(reports) => reports,
        other => panic!("{name}: {other:?}"),
    }
}

fn told(report: &RecipientReport) -> String {
    let status = report.status.map_or("-".to_owned(), |(class, subject, detail)| format!("{class}.{subject}.{detail}"));
    let means = match verdict(report) {
        Verdict::Failed { outlook, cause } => format!("{outlook:?} {cause:?}"),
        other => format!("{other:?}"),
    };
    format!("{} {status}: {means}", format!("{:?}", report.action).to_lowercase())
}

fn read_as(inbound: &Inbound) -> String {
    match &inbound.kind {
        InboundKind::Report(reports) => reports.iter().map(told).collect::<Vec<_>>().join("; "),
        InboundKind::AutoReply => "auto-reply".to_owned(),
        InboundKind::Feedback => "feedback".to_owned(),
        InboundKind::Unreadable(_) => "unreadable".to_owned(),
        InboundKind::Other => "other".to_owned(),
    }
}

#[test]
fn every_fixture_is_read_as_its_table_says() {
    let table = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| file"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let mut wrong = Vec::new();
    for row in &rows {
        let inbound = read(&fixture(row[0]), DOMAIN);
        let tag = if inbound.tag.is_some() { "yes" } else { "no" };
        if (tag, read_as(&inbound).as_str()) != (row[2], row[3]) {
            wrong.push(format!("{}: tag {tag}, {}", row[0], read_as(&inbound)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let files = std::fs::read_dir(folder()).unwrap().count();
    assert_eq!(rows.len() + 1, files, "a fixture stands in no row");
}

#[test]
fn a_report_keeps_the_words_but_not_the_person() {
    let said = |name: &str| reports(name)[0].diagnostic.clone().unwrap();
    assert_eq!(said("postfix-unknown-user"), "550 5.1.1 [address]: Recipient address rejected: User unknown");
    assert_eq!(said("postfix-utf8-address"), "550 5.1.1 [address]: Recipient address rejected: User unknown");
    assert_eq!(said("postfix-moved"), "551 5.1.6 User has moved, try [address]");
    assert_eq!(said("qmail"), "Sorry, no mailbox here by that name. (#5.1.1)");
    assert!(!said("exchange-report").to_lowercase().contains("nordmann"));
    let all: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| match read(&std::fs::read(entry.unwrap().path()).unwrap(), DOMAIN).kind {
            InboundKind::Report(reports) => Some(reports),
            _ => None,
        })
        .flatten()
        .filter_map(|report| report.diagnostic)
        .collect();
    assert!(all.len() > 20 && all.iter().all(|words| !words.contains('@') && !words.contains('\n')), "{all:#?}");
}

#[test]
fn a_delayed_mail_says_how_long_it_is_tried() {
    let until = reports("postfix-delayed")[0].will_retry_until.unwrap();
    assert_eq!(until.to_rfc3339(), "2026-11-23T20:34:50+00:00");
}

#[test]
fn the_tag_is_that_of_the_mail() {
    assert_eq!(
        read(&fixture("postfix-unknown-user"), DOMAIN).tag.as_deref(),
        Some("0192f0c1a2b37c4d8e5f60718293a4b5.0000000000000001")
    );
    assert_eq!(read(&fixture("postfix-unknown-user"), "other.test").tag, None);
}

/// A report of an address in other words than the fixture's.
fn with(status: &str, diagnostic: &str) -> Verdict {
    let text = String::from_utf8(fixture("forged-without-tag")).unwrap();
    let text = text.replace("Status: 5.1.1", &format!("Status: {status}"));
    let text = text.replace("smtp; 550 5.1.1 unknown", &format!("smtp; {diagnostic}"));
    match read(text.as_bytes(), DOMAIN).kind {
        InboundKind::Report(reports) => verdict(&reports[0]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_a_fault_of_the_address_makes_it_bad() {
    let bad = [
        ("5.1.1", "550 x"),
        ("5.0.0", "550-5.1.1 The email account that you tried to reach does not exist"),
        ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable"),
        ("5.4.4", "X; Host or domain name not found"),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"),
        ("5.1.0", "550 #5.1.0 Address rejected."),
        ("5.2.1 (disabled)", "550 5.2.1 inactive"),
    ];
    for (status, words) in bad {
        assert!(with(status, words).address_is_bad(), "{status} {words}");
    }
    let good = [
        ("5.2.2", "552 5.2.2 mailbox full"),
        ("5.7.1", "550 5.7.1 user unknown to our policy"),
        ("5.7.26", "550 5.7.26 unauthenticated"),
        ("5.0.0", "550 blocked, see the list"),
        ("5.0.0", "554 Transaction failed"),
        ("5.1.0", "550 5.1.0 sender rejected"),
        ("5.1.8", "550 5.1.8 no such domain"),
        ("5.3.0", "550 sender address unknown"),
        ("5.3.4", "552 too big"),
        ("5.4.7", "expired"),
        ("4.1.1", "450 4.1.1 user unknown"),
        ("4.4.1", "timed out"),
        ("nonsense", "no code at all"),
    ];
    for (status, words) in good {
        let verdict = with(status, words);
        assert!(verdict.has_failed() && !verdict.address_is_bad(), "{status} {words}");
    }
}

/// Well within what a test machine under load needs; a quadratic reader takes minutes.
fn in_good_time(what: &str, raw: &[u8]) {
    let begun = Instant::now();
    let _ = read(raw, DOMAIN);
    assert!(begun.elapsed() < Duration::from_secs(5), "{what}: {:?}", begun.elapsed());
}

#[test]
fn mail_made_to_hurt_is_read_in_good_time() {
    let head = "From: MAILER-DAEMON@x\nReturn-Path: <>\nSubject: failure notice\n";
    let nested = |kind: &str| format!("{head}{}", format!("Content-Type: {kind}\n\n--b\n").repeat(200_000));
    in_good_time("nested messages", nested("message/rfc822").as_bytes());
    in_good_time("nested multiparts", nested("multipart/mixed; boundary=b").as_bytes());
    in_good_time("multiparts without end", nested("multipart/mixed; boundary=nowhere").as_bytes());
    in_good_time("ten megabytes of text", format!("{head}\n{}", "550 <a@x>:\n".repeat(1_000_000)).as_bytes());
    in_good_time("ten megabytes of header", "Received: for <b+b+b+b+\n\t".repeat(400_000).as_bytes());
    in_good_time("one long line", format!("{head}\n{}", "5.1.".repeat(2_500_000)).as_bytes());
    in_good_time("comments", format!("From: {}\n\n", "(".repeat(5_000_000)).as_bytes());
    in_good_time("markup", format!("{head}Content-Type: text/html\n\n{}", "<a <!--".repeat(1_000_000)).as_bytes());
    let parts = format!("{head}Content-Type: multipart/report; boundary=b\n\n{}", "--b\n".repeat(2_000_000));
    in_good_time("empty parts", parts.as_bytes());
    let groups = "Final-Recipient: rfc822; \"\"@\"@\"@a@\nAction: failed\nStatus: 5.1.1\n\n".repeat(20_000);
    let status = format!(
        "{head}Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n{groups}"
    );
    in_good_time("recipients", status.as_bytes());
}

proptest! {
    #[test]
    fn random_bytes_never_panic(raw in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read(&raw, DOMAIN);
    }

    #[test]
    fn a_spoilt_fixture_never_panics(
        pick in any::<prop::sample::Index>(),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<[u8; 3]>()), 1..8),
    ) {
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        let mut raw = std::fs::read(pick.get(&files)).unwrap();
        for (at, len, bytes) in cuts {
            let at = at.index(raw.len().max(1)).min(raw.len());
            let end = (at + len.index(40)).min(raw.len());
            raw.splice(at..end, bytes);
        }
        let inbound = read(&raw, DOMAIN);
        if let InboundKind::Report(reports) = inbound.kind {
            for report in reports {
                let _ = verdict(&report);
                prop_assert!(report.diagnostic.is_none_or(|d| d.chars().count() <= 300 && !d.contains('\n')));
            }
        }
    }

    #[test]
    fn lines_of_mail_in_any_order_never_panic(lines in proptest::collection::vec(prop_oneof![
        Just("--b"), Just("--b--"), Just(""), Just("Content-Type: multipart/report; boundary=b"), Just("Status: 5.1.1"),
        Just("Content-Type: message/delivery-status"), Just("Content-Type: message/rfc822"), Just("Action: failed"),
        Just("Content-Transfer-Encoding: base64"), Just("Content-Transfer-Encoding: quoted-printable"), Just("=E5=\u{e5}"),
        Just("Content-Type: text/plain; charset=utf-16"), Just("From: mailer-daemon"), Just("<\"a\"@\"@b>:"), Just(" 550"),
        Just("Will-Retry-Until: Thu, 99 Foo 999999999999 99:99:99 +9999"), Just("Will-Retry-Until: 31 Feb 0 24:60 -2400"),
        Just("Subject: =?utf-8?b?////?= =?x?q?=?="), Just("Final-Recipient: rfc822; \u{e5}@x"), Just("Diagnostic-Code: ;@"),
    ], 0..30)) {
        let _ = read(lines.join("\n").as_bytes(), DOMAIN);
    }
}
