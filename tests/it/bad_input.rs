//! Bad input: a clear error that says where, and nothing lost or half done.

use crate::harness::{TestApp, both};
use formats::customer_list::Mode;
use reskontro::ctx::SystemClock;
use reskontro::ports::Clock;
use reskontro::services::access::{self, Scope};
use reskontro::services::customer::{self, Input};
use reskontro::services::payment::{self, ImportOptions};
use reskontro::services::run::{self, NewRun};
use reskontro::services::{Actor, delivery, ledger};
use reskontro::store::views;
use sea_orm::ConnectionTrait;
use std::fmt::Write;
use std::io::Write as _;
use uuid::Uuid;

async fn plan_error(app: &TestApp, actor: &Actor, bytes: &[u8]) -> String {
    let input = Input { bytes, mode: Mode::Full };
    customer::plan(&app.ctx, actor, &input).await.unwrap_err().to_string()
}

both!(files_that_are_no_customer_list_are_refused_in_words, async |app: &TestApp| {
    let actor = app.association().await;
    let mut random = Vec::new();
    for i in 0..2_000_u32 {
        random.extend_from_slice(&i.wrapping_mul(2_654_435_761).to_le_bytes());
    }
    for (bytes, code) in [
        (&b""[..], "empty_file"),
        (b"   \n\n", "empty_file"),
        (&random, "unknown_encoding"),
        (b"\xd0\xcf\x11\xe0 an old workbook", "unsupported_format"),
        (b"PK\x03\x04 half a workbook", "unsupported_format"),
        (b"[{\"number\": \"1\"", "invalid_json"),
        (b"Hei\nog\nhopp\n", "missing_required_column"),
        (b"Kundenr;Navn;Poststed\n", "no_rows"),
    ] {
        let error = plan_error(app, &actor, bytes).await;
        assert!(error.contains(code), "{code}: {error}");
    }
});

/// A zip whose directory promises far more than a sheet may hold.
fn xlsx_bomb() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(&mut bytes));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("xl/worksheets/sheet1.xml", options).unwrap();
    let zeros = vec![b'0'; 1 << 20];
    for _ in 0..320 {
        zip.write_all(&zeros).unwrap();
    }
    zip.finish().unwrap();
    bytes
}

both!(a_workbook_that_unpacks_without_end_is_not_unpacked, async |app: &TestApp| {
    let actor = app.association().await;
    let bomb = xlsx_bomb();
    assert!(bomb.len() < 2_000_000);
    let error = plan_error(app, &actor, &bomb).await;
    assert!(error.contains("too_large"), "{error}");
});

both!(ten_thousand_bad_rows_are_ten_thousand_errors_and_no_customer, async |app: &TestApp| {
    let actor = app.association().await;
    let mut list = String::from("Kundenr;Navn;Postnr;Poststed\n");
    for i in 0..10_000 {
        let _ = writeln!(list, "{i};Medlem {i};99999;Oslo");
    }
    let input = Input { bytes: list.as_bytes(), mode: Mode::Full };
    let report = customer::plan(&app.ctx, &actor, &input).await.unwrap();
    assert_eq!((report.summary.counts.rejected, report.summary.errors.len()), (10_000, 10_000));
    assert_eq!(report.summary.errors[0].line, 2);
    customer::apply(&app.ctx, &actor, report.id, false).await.unwrap();
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    assert!(views::customers(&tx, Uuid::nil(), 1).await.unwrap().is_empty());
});

both!(no_identity_number_is_kept_anywhere, async |app: &TestApp| {
    let actor = app.association().await;
    let list = "Kundenr;Navn;Fødselsnummer;Merknad\n1;Kari Nord;13097248022;mor 29029648784\n2;Ola Sør;;\n";
    let report = app.sync(&actor, list.as_bytes(), Mode::Full).await;
    assert_eq!(report.summary.refused_columns.len(), 2);
    for path in walk(app.dir.path()) {
        let bytes = std::fs::read(&path).unwrap();
        for number in ["13097248022", "29029648784"] {
            let found = bytes.windows(number.len()).any(|w| w == number.as_bytes());
            assert!(!found, "{number} stands in {}", path.display());
        }
    }
});

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

both!(a_bank_file_with_a_fault_books_nothing, async |app: &TestApp| {
    let actor = app.association().await;
    let good = formats::giro::write_ocr(
        1,
        crate::harness::ACCOUNT,
        &[formats::giro::PaymentToWrite {
            kid: "18".into(),
            amount_ore: 100,
            kind: 10,
            settled_on: app.ctx.today(),
            debit_account: None,
        }],
    );
    let mut summed = good.clone();
    // The last digit of the control sum in the end record.
    let end = good.windows(8).position(|w| w == b"NY000089").unwrap();
    summed[end + 40] = b'9';
    for bad in [&good[..good.len() / 2], &summed, b"", b"<?xml version='1.0'?><Document/>", &[0xff, 0xfe, 0, 0]] {
        let error = payment::import(&app.ctx, &actor, bad, ImportOptions::default()).await.unwrap_err().to_string();
        assert!(error.contains("nothing was booked"), "{error}");
    }
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    assert!(views::payments(&tx, None, false, Uuid::nil(), 1).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    payment::import(&app.ctx, &actor, &good, ImportOptions::default()).await.unwrap();
});

both!(a_spool_that_cannot_be_written_loses_no_mail, async |app: &TestApp| {
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    let list = "Kundenr;Navn;Postnr;Poststed;E-post;Produkter\n1;Kari Nord;0150;Oslo;kari@example.org;A\n";
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let id = run::start(&app.ctx, &actor, &new).await.unwrap();
    run::continue_run(&app.ctx, &actor, id, |_| {}).await.unwrap();
    // A file where the folder should be: nothing can be written into it.
    let spool = app.dir.path().join("spool");
    std::fs::write(&spool, "in the way").unwrap();
    assert_eq!(delivery::drain(&app.ctx).await.unwrap().get("retrying"), Some(&1));
    std::fs::remove_file(&spool).unwrap();
    app.clock.advance(chrono::Duration::minutes(2));
    assert_eq!(delivery::drain(&app.ctx).await.unwrap().get("delivered"), Some(&1));
    assert_eq!(app.spool().len(), 1);
});

both!(two_runs_at_once_bill_everybody_once, async |app: &TestApp| {
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    let mut list = String::from("Kundenr;Navn;Postnr;Poststed;E-post;Produkter\n");
    for i in 0..60 {
        let _ = writeln!(list, "{i};Medlem {i};0150;Oslo;m{i}@example.org;A");
    }
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: None };
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let (ctx, actor, new) = (app.ctx.clone(), actor.clone(), new.clone());
        tasks.push(tokio::spawn(async move {
            let id = run::start(&ctx, &actor, &new).await.unwrap();
            loop {
                match run::continue_run(&ctx, &actor, id, |_| {}).await {
                    Ok(_) => return,
                    // Another run billed the same periods first: this batch was rolled back whole.
                    Err(error) => assert_eq!(error.code(), Some("period_billed"), "{error}"),
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let invoices = views::invoices(&tx, Uuid::nil(), 200).await.unwrap();
    assert_eq!(invoices.len(), 60);
    let numbers: Vec<i64> = invoices.iter().map(|i| i.number).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (10_001..=10_060).collect::<Vec<_>>());
});

both!(a_day_nobody_means_is_refused_where_it_stands, async |app: &TestApp| {
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    let list =
        "Kundenr;Navn;Adresse;Postnr;Poststed;Utmeldt\n1;Kari Nord;Gata 1;0150;Oslo;\n2;Ola Sør;Gata 2;0150;Oslo;\n";
    let report = app.sync(&actor, list.as_bytes(), Mode::Full).await;
    assert_eq!(report.summary.counts.new, 2);
    let bad = list
        .replace("Gata 2;0150;Oslo;", "Gata 2;0150;Oslo;31.02.2026")
        .replace("Gata 1;0150;Oslo;", "Gata 1;0150;Oslo;01.01.0206");
    let report = app.sync(&actor, bad.as_bytes(), Mode::Full).await;
    let errors: Vec<(usize, &str)> = report.summary.errors.iter().map(|e| (e.line, e.code.as_str())).collect();
    assert_eq!(errors, [(2, "invalid_date"), (3, "invalid_date")]);
    let day = |y| chrono::NaiveDate::from_ymd_opt(y, 1, 1);
    let run = |bill_on, due_on| NewRun { bill_on, due_on, send_after_minutes: None };
    for (new, field) in
        [(run(day(9_999), None), "bill_on"), (run(None, day(9_999)), "due_on"), (run(None, day(1_999)), "due_on")]
    {
        let error = run::start(&app.ctx, &actor, &new).await.unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
});

both!(a_bank_file_of_200_mb_is_not_read, async |app: &TestApp| {
    let actor = app.association().await;
    let key = access::create_key(&app.ctx, &actor, "test", Scope::Write, None).await.unwrap().text;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/v1/bank-files", listener.local_addr().unwrap());
    let router = reskontro::http::router(app.ctx.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let response =
        reqwest::Client::builder().build().unwrap().post(url).bearer_auth(key).body(vec![b'0'; 200 << 20]).send().await;
    // The service answers before it has read it all; the answer may be lost on the way when we still write.
    if let Ok(response) = response {
        assert_eq!(response.status(), reqwest::StatusCode::PAYLOAD_TOO_LARGE);
    }
    let file = app.dir.path().join("large.ocr");
    std::fs::File::create(&file).unwrap().set_len(200 << 20).unwrap();
    let out = crate::torture::command(app, &["bank", "import", &file.display().to_string()])
        .stderr(std::process::Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(!out.status.success() && said.contains("200 MB; at most 64 MB are read"), "{said}");
});

/// Runs a command that may write no file larger than so many kB, as on a disk that is full.
fn on_a_full_disk(app: &TestApp, args: &[&str], kb: u32) -> bool {
    let command = crate::torture::command(app, args);
    let mut shell = std::process::Command::new("sh");
    let program = command.get_program().to_owned();
    // Without the trap the signal would kill; with it the write fails half done.
    shell.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kb * 2)).arg(program).args(args);
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap());
    }
    shell.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status().unwrap().success()
}

both!(a_disk_that_is_full_loses_no_mail, async |app: &TestApp| {
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    let mut list = String::from("Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n");
    for i in 0..20 {
        let _ = writeln!(list, "{i};Medlem {i};Gata {i};0150;Oslo;m{i}@example.org;A");
    }
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let id = run::start(&app.ctx, &actor, &new).await.unwrap();
    run::continue_run(&app.ctx, &actor, id, |_| {}).await.unwrap();
    for kb in [4, 24, 64] {
        on_a_full_disk(app, &["invoices", "send"], kb);
        let whole = app.spool().iter().all(|p| std::fs::read(p).unwrap().ends_with(b"--\r\n"));
        assert!(whole, "half a mail was left in the spool");
    }
    // What failed is tried again when its time comes, and what was under way when its lease has run out.
    app.clock.set(SystemClock.now() + chrono::Duration::hours(1));
    delivery::drain(&app.ctx).await.unwrap();
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let all = views::deliveries(&tx, None, Uuid::nil(), 100).await.unwrap();
    tx.commit().await.unwrap();
    let accounted = all.iter().filter(|d| d.state == "delivered" || (d.state == "unknown" && d.needs_person)).count();
    assert_eq!((all.len(), accounted), (20, 20), "{all:?}");
    let delivered: Vec<String> =
        all.iter().filter(|d| d.state == "delivered").map(|d| format!("{}.eml", d.id)).collect();
    let spooled: Vec<String> =
        app.spool().iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert!(delivered.iter().all(|d| spooled.contains(d)), "delivered and not in the spool");
});

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the tests' own switch")]
async fn a_database_that_goes_away_in_the_middle_loses_nothing() {
    let Some(app) = TestApp::new(crate::harness::Backend::Postgres).await else { return };
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    let mut list = String::from("Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n");
    for i in 0..600 {
        let _ = writeln!(list, "{i};Medlem {i};Gata {i};0150;Oslo;m{i}@example.org;A");
    }
    let admin = sea_orm::Database::connect(std::env::var("TEST_DATABASE_URL").unwrap()).await.unwrap();
    let database = {
        use secrecy::ExposeSecret;
        app.ctx.config.database.url.expose_secret().rsplit('/').next().unwrap().to_owned()
    };
    let cut = tokio::spawn(async move {
        let sql = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
        for _ in 0..40 {
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
            admin.execute_unprepared(&sql).await.unwrap();
        }
    });
    let input = Input { bytes: list.as_bytes(), mode: Mode::Full };
    let mut failures = 0;
    let plan = loop {
        match customer::plan(&app.ctx, &actor, &input).await {
            Ok(plan) => break plan.id,
            Err(_) => failures += 1,
        }
    };
    while let Err(error) = customer::apply(&app.ctx, &actor, plan, false).await {
        // The commit may have come through although its answer did not.
        if error.code() == Some("plan_applied") {
            break;
        }
        failures += 1;
    }
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let id = loop {
        match run::start(&app.ctx, &actor, &new).await {
            Ok(id) => break id,
            Err(_) => failures += 1,
        }
    };
    while run::continue_run(&app.ctx, &actor, id, |_| {}).await.is_err() {
        failures += 1;
    }
    cut.await.unwrap();
    assert!(failures > 0, "the database was never away");
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    assert_eq!(views::customers(&tx, Uuid::nil(), 1_000).await.unwrap().len(), 600);
    assert_eq!(views::invoices(&tx, Uuid::nil(), 1_000).await.unwrap().len(), 600);
    tx.commit().await.unwrap();
    for check in ledger::verify(&app.ctx, &actor).await.unwrap() {
        assert!(check.findings.is_empty(), "{}: {:?}", check.name, check.findings);
    }
}
