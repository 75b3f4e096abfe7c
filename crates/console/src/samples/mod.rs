//! Made-up views for every page and state: the tests draw them all, and the example photographs them.

mod deliveries;
mod desk;
mod invoice;
mod lists;
mod payer;

pub use deliveries::worklist;

use crate::{Band, ConsoleError, Flash, Frame, Health, Organisation, Theme};
use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use domain::customer::Language;
use domain::money::Money;
use uuid::Uuid;

/// A drawn page, or why it could not be drawn.
pub type Drawn = Result<String, ConsoleError>;

/// Every sample page in a language, by name.
pub fn samples(language: Language) -> Vec<(&'static str, Drawn)> {
    let frame = frame(language);
    let mut out = deliveries::pages(&frame);
    out.extend(invoice::pages(&frame));
    out.extend(lists::pages(&frame));
    out.extend(desk::pages(&frame));
    out.extend(payer::pages(language));
    out.extend(payer::forms(language));
    out
}

/// The frame most samples stand in: Friday 20 November 2026, 10:15 in Oslo.
pub fn frame(language: Language) -> Frame {
    let organisation = |n, name: &str, number: &str| Organisation {
        id: id(n),
        name: name.to_owned(),
        org_number: Some(number.to_owned()),
    };
    let organisations = vec![
        organisation(900, "Lillevik Grønt AS", "315771900"),
        organisation(901, "Solvik Idrettslag", "987654325"),
        organisation(902, "Fjordgløtt Borettslag", "974652277"),
    ];
    Frame {
        language,
        theme: Theme::System,
        now: at(11, 20, 9, 15),
        user: Some("Marit Bakken".to_owned()),
        organisation: organisations.first().cloned(),
        organisations,
        csrf: "c5rf-t0ken".to_owned(),
        path: "/console/deliveries".to_owned(),
        needs_you: 7,
        print_waiting: 3,
        webhooks_off: 1,
        health: Health::Fine,
        bank_updated_at: Some(at(11, 20, 5, 12)),
        flash: None,
        band: None,
        privacy: Some("/privacy/01934b1e-7c00-7000-8000-000000000900".to_owned()),
        new_statement: None,
    }
}

fn with_flash(frame: &Frame, texts: [&str; 3]) -> Frame {
    let text = crate::words::pick(&texts, frame.language);
    Frame { flash: Some(Flash { ok: true, text: text.to_owned() }), ..frame.clone() }
}

fn with_band(frame: &Frame, band: Band, health: Health) -> Frame {
    Frame { band: Some(band), health, ..frame.clone() }
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0193_4b1e_7c00_7000_8000_0000_0000_0000 + n)
}

fn at(month: u32, day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, month, day, hour, minute, 0).single().unwrap_or_default()
}

fn on(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, month, day).unwrap_or_default()
}

const fn ore(ore: i64) -> Money {
    Money::from_ore(ore)
}
