//! Signed mail: the same bytes every time, nothing that breaks on its way, and good in another program's eyes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use reskontro_render::dkim::{DkimError, DkimKey, sign};
use std::path::PathBuf;
use std::process::Command;

const KEYS: [&str; 3] = ["test-rsa-2048.pkcs8.pem", "test-rsa-2048.pkcs1.pem", "test-ed25519.pem"];

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(here().join("tests/fixtures/dkim").join(name)).unwrap()
}

fn key(name: &str) -> DkimKey {
    DkimKey::parse(&fixture(name), "Lillevik.example", "r2026").unwrap()
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_793_000_000, 0).unwrap()
}

fn mail(body: &str) -> Vec<u8> {
    format!(
        "From: =?utf-8?q?Lillevik_Gr=C3=B8nt?= <faktura@lillevik.example>\r\nTo: <kari@remote.example>\r\n\
         Subject: Faktura 10482\r\n  med \t folding\r\nMessage-ID: <1@lillevik.example>\r\n\
         Date: Mon, 02 Nov 2026 09:00:00 +0000\r\nReply-To: <post@lillevik.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Mails of every shape that has broken a signature somewhere.
fn mails() -> Vec<Vec<u8>> {
    let bodies = [
        "Hei,\r\n\r\nbeløp: 1 250,00 kr.\r\n",
        "",
        "\r\n\r\n",
        "x\r\n \t \r\n\r\n\r\n",
        "no end",
        " \tblank  first\r\n.\r\n",
    ];
    let mut mails: Vec<_> = bodies.iter().map(|body| mail(body)).collect();
    mails.push(mail(&format!("{}\r\n{}", "a ".repeat(499), "å".repeat(400))));
    mails.push(b"From: a@b.example\r\n\r\n".to_vec());
    mails.push(b"From: a@b.example\r\nX: only a header\r\n".to_vec());
    mails.push("From: Kåre <kåre@b.example>\r\nTo: x\r\nTo: y\r\nsubject:  æøå \r\n\r\nx\r\n".as_bytes().to_vec());
    mails
}

#[test]
fn the_same_mail_has_the_same_signature_in_front() {
    for name in KEYS {
        for mail in mails() {
            let signed = sign(&mail, &key(name), at()).unwrap();
            assert_eq!(signed, sign(&mail, &key(name), at()).unwrap());
            assert!(signed.ends_with(&mail) && signed.starts_with(b"DKIM-Signature: v=1; a="));
            let field = String::from_utf8(signed[..signed.len() - mail.len()].to_vec()).unwrap();
            assert!(
                field.ends_with("\r\n") && field.lines().skip(1).all(|l| l.starts_with(' ') && l.len() <= 78),
                "{field}"
            );
            assert!(
                field.contains(" t=1793000000;") && field.contains(" d=lillevik.example;") && !field.contains("l=")
            );
            assert!(field.contains("h=From:From"), "{field}");
        }
    }
    let rsa = |name| sign(&mail("x"), &key(name), at()).unwrap();
    assert_eq!(rsa(KEYS[0]), rsa(KEYS[1]), "one key in two files");
}

#[test]
fn the_record_holds_the_public_half() {
    let expected = format!("v=DKIM1; k=rsa; p={}", fixture("test-rsa-2048.public.txt"));
    assert_eq!(key(KEYS[0]).dns_record(), expected);
    assert_eq!(key(KEYS[0]).dns_name(), "r2026._domainkey.lillevik.example");
}

#[test]
fn a_key_that_cannot_serve_is_refused_and_none_is_shown() {
    let refused = |pem: &str| DkimKey::parse(pem, "a.example", "s").unwrap_err();
    assert_eq!(refused(""), DkimError::NotPem);
    assert_eq!(refused("-----BEGIN PRIVATE KEY-----\n%\n-----END PRIVATE KEY-----"), DkimError::NotPem);
    assert_eq!(refused(&fixture("test-rsa-1024.pem")), DkimError::Short);
    assert!(matches!(refused(&fixture("test-p256.pem")), DkimError::Key(_)));
    let encrypted = fixture(KEYS[0]).replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert_eq!(refused(&encrypted), DkimError::Label("ENCRYPTED PRIVATE KEY".to_owned()));
    for name in ["", "å.example", "a..b", "a b", "a;b", "-a.example", "a.example."] {
        assert_eq!(DkimKey::parse(&fixture(KEYS[0]), name, "s").unwrap_err(), DkimError::Name(name.to_owned()));
        assert_eq!(DkimKey::parse(&fixture(KEYS[0]), "a.example", name).unwrap_err(), DkimError::Name(name.to_owned()));
    }
    assert_eq!(format!("{:?}", key(KEYS[2])), "DkimKey { domain: \"lillevik.example\", selector: \"r2026\", .. }");
}

#[test]
fn a_mail_that_would_change_on_its_way_is_refused() {
    let refused = |mail: &[u8]| sign(mail, &key(KEYS[2]), at()).unwrap_err();
    assert_eq!(refused(b"To: x\r\n\r\n"), DkimError::From(0));
    assert_eq!(refused(b"From: x\r\nFROM: y\r\n\r\n"), DkimError::From(2));
    assert_eq!(refused(b"From: x\n\nbody"), DkimError::Line(1));
    assert_eq!(refused(b"From: x\r\n\r\na\rb\r\n"), DkimError::Line(3));
    assert_eq!(refused(&mail(&"a".repeat(999))), DkimError::Line(12));
    assert_eq!(refused(b"From: x\r\nno field\r\n\r\n"), DkimError::Field(2));
    assert_eq!(refused(b"From: x\r\nSubject : y\r\n\r\n"), DkimError::Field(2));
    assert_eq!(refused(b" From: x\r\n\r\n"), DkimError::Field(1));
}

/// `None` when python3 or what it needs is missing.
fn passes(signed: &[u8], record: &str) -> Option<bool> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mail.eml");
    std::fs::write(&file, signed).unwrap();
    let script = here().join("../../scripts/verify-dkim.py");
    let status = Command::new("python3").arg(script).arg(&file).arg(record).output().ok()?.status.code();
    (status != Some(77)).then_some(status == Some(0))
}

#[test]
fn dkimpy_finds_the_signatures_good_and_a_changed_mail_bad() {
    for name in [KEYS[0], KEYS[2]] {
        let key = key(name);
        for mail in mails() {
            let signed = sign(&mail, &key, at()).unwrap();
            let Some(good) = passes(&signed, &key.dns_record()) else {
                eprintln!("dkimpy is not installed: signatures are checked by vectors only");
                return;
            };
            assert!(good, "{name}: {}", String::from_utf8_lossy(&signed));
        }
        let signed = String::from_utf8(sign(&mail("1 250 kr\r\n"), &key, at()).unwrap()).unwrap();
        let with_from = signed.replacen("To: <kari", "From: <other@x.example>\r\nTo: <kari", 1);
        for changed in [signed.replace("1 250", "9 250"), signed.replace("10482", "10483"), with_from] {
            assert_eq!(passes(changed.as_bytes(), &key.dns_record()), Some(false));
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(message in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = sign(&message, &key(KEYS[2]), at());
    }

    #[test]
    fn lines_of_mail_in_any_order_never_panic(lines in proptest::collection::vec(prop_oneof![
        Just("From: a"), Just(""), Just(" x"), Just(":"), Just("To :"), Just("\t"), Just("Subject:"), Just("å: x"),
    ], 0..10)) {
        let _ = sign(lines.join("\r\n").as_bytes(), &key(KEYS[2]), at());
    }

    #[test]
    fn random_text_is_no_key(pem in "(-----BEGIN (RSA )?PRIVATE KEY-----)?[A-Za-z0-9+/=\n]{0,80}(-----END x-----)?") {
        prop_assert!(DkimKey::parse(&pem, "a.example", "s").is_err());
    }
}
