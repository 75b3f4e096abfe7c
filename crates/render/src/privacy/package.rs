//! The answer to a request for access: what is held, why, until when, and the values themselves, for a person to read.

use super::words::{AUTOMATED, basis, purpose, recipient, say, title};
use crate::format::long_date;
use crate::paper::{Block, Paper, Section};
use chrono::NaiveDate;
use domain::customer::Language;
use domain::privacy::{AUTHORITY, Basis, Recipient, RuleId};
use std::collections::BTreeMap;

/// What one clock holds.
pub struct HeldFacts {
    /// The clock.
    pub rule: RuleId,
    /// How many rows.
    pub count: i64,
    /// On what grounds.
    pub bases: Vec<Basis>,
    /// Who is told.
    pub recipients: Vec<Recipient>,
    /// First day it may be deleted, where it is known.
    pub until: Option<NaiveDate>,
}

/// The rows of one table.
pub struct DataTable {
    /// Its name.
    pub table: String,
    /// Names and values.
    pub rows: Vec<BTreeMap<String, String>>,
}

/// Everything the answer says.
pub struct PackageFacts {
    /// Who answers.
    pub organisation: String,
    /// Somebody who signs in, not somebody who is billed.
    pub of_user: bool,
    /// Where to turn.
    pub email: Option<String>,
    /// The day of the answer.
    pub on: NaiveDate,
    /// What is held, why and until when.
    pub held: Vec<HeldFacts>,
    /// The values.
    pub tables: Vec<DataTable>,
}

const RIGHTS: [&str; 3] = [
    "Du kan be om at opplysninger rettes, slettes eller begrenses, protestere mot bruken, og få dem utlevert i et format en maskin kan lese. \
     Det koster ingenting. Er du uenig i svaret, kan du klage til Datatilsynet.",
    "Du kan be om at opplysningar blir retta, sletta eller avgrensa, protestere mot bruken, og få dei utleverte i eit format ei maskin kan lese. \
     Det kostar ingenting. Er du usamd i svaret, kan du klage til Datatilsynet.",
    "You can ask for rectification, erasure or restriction, object to the use, and get the data in a form a machine can read. \
     It costs nothing. If you disagree with the answer you can complain to Datatilsynet.",
];

/// Rows of a table that are shown in the text; more stand in its file alone.
const MOST_ROWS: usize = 500;

/// The answer as a text.
pub fn package(facts: &PackageFacts, language: Language) -> Paper {
    let t = |text: [&'static str; 3]| say(text, language).to_owned();
    let in_use = if facts.of_user {
        t(["så lenge tilgangen varer", "så lenge tilgangen varer", "for as long as the access lasts"])
    } else {
        t(["så lenge kundeforholdet varer", "så lenge kundeforholdet varer", "for as long as the relationship lasts"])
    };
    let rows = facts.held.iter().map(|h| {
        let grounds: Vec<&str> = h.bases.iter().map(|b| basis(*b, language)).collect();
        let told: Vec<&str> = h.recipients.iter().map(|r| recipient(*r, language)).collect();
        vec![
            format!("{} ({})", title(h.rule, language), h.count),
            format!("{}. {}", purpose(h.rule, language), grounds.join("; ")),
            told.join(", "),
            h.until.map_or_else(|| in_use.clone(), |d| long_date(d, language)),
        ]
    });
    let mut sections = vec![Section {
        heading: t(["Hva vi har, og hvorfor", "Kva vi har, og kvifor", "What we hold, and why"]),
        blocks: vec![Block::Table {
            shares: vec![26, 34, 20, 20],
            head: vec![
                t(["Kategori", "Kategori", "Category"]),
                t(["Formål og grunnlag", "Føremål og grunnlag", "Purpose and ground"]),
                t(["Mottakere", "Mottakarar", "Recipients"]),
                t(["Slettes fra", "Blir sletta frå", "Goes from"]),
            ],
            rows: rows.collect(),
        }],
    }];
    for table in &facts.tables {
        let blocks =
            if table.rows.len() > MOST_ROWS { vec![elsewhere(table, language)] } else { values(table, language) };
        sections.push(Section { heading: heading(&table.table, language), blocks });
    }
    sections.push(Section {
        heading: t(["Rettighetene dine", "Rettane dine", "Your rights"]),
        blocks: vec![Block::Text(t(RIGHTS)), Block::Text(AUTHORITY.to_string()), Block::Text(t(AUTOMATED))],
    });
    let source = if facts.of_user {
        t([
            "Opplysningene kommer fra den som ga deg tilgang, fra deg selv og fra det du gjør i tjenesten.",
            "Opplysningane kjem frå den som gav deg tilgang, frå deg sjølv og frå det du gjer i tenesta.",
            "The data comes from whoever gave you access, from yourself and from what you do in the service.",
        ])
    } else {
        t([
            "Opplysningene kommer fra virksomhetens kunderegister, fra deg selv og fra banken din.",
            "Opplysningane kjem frå kunderegisteret til verksemda, frå deg sjølv og frå banken din.",
            "The data comes from the organisation's customer register, from yourself and from your bank.",
        ])
    };
    Paper {
        language,
        title: t(["Opplysningene vi har om deg", "Opplysningane vi har om deg", "What we hold about you"]),
        by: facts.organisation.clone(),
        about: [Some(long_date(facts.on, language)), facts.email.clone(), Some(source)].into_iter().flatten().collect(),
        dated: facts.on,
        sections,
    }
}

/// Where many rows stand: a text of thousands of them is read by nobody.
fn elsewhere(table: &DataTable, language: Language) -> Block {
    let (rows, file) = (table.rows.len(), &table.table);
    Block::Text(match language {
        Language::Bokmal => format!("{rows} rader: se filen {file}.csv."),
        Language::Nynorsk => format!("{rows} rader: sjå fila {file}.csv."),
        Language::English => format!("{rows} rows: see the file {file}.csv."),
    })
}

/// One line a value; the rows of a table parted.
fn values(table: &DataTable, language: Language) -> Vec<Block> {
    let rows = table.rows.iter().enumerate().flat_map(|(i, row)| {
        let part = if table.rows.len() > 1 { format!("{}. ", i + 1) } else { String::new() };
        row.iter()
            .map(move |(name, value)| vec![format!("{part}{}", label(name, language)), said(name, value, language)])
    });
    vec![Block::Table {
        shares: vec![34, 66],
        head: vec![
            say(["Opplysning", "Opplysning", "Item"], language).to_owned(),
            say(["Verdi", "Verdi", "Value"], language).to_owned(),
        ],
        rows: rows.collect(),
    }]
}

/// A value in words, where it is one of ours.
fn said(name: &str, value: &str, language: Language) -> String {
    let text = match (name, value) {
        ("action", _) => return format!("{} ({value})", say(purpose_of_reading(value), language)),
        ("actor_kind", "operator") => ["driften", "drifta", "somebody who runs the service"],
        ("actor_kind", "api_key") => {
            ["et system hos virksomheten", "eit system hos verksemda", "a system of the organisation"]
        }
        ("actor_kind", "user") => {
            ["en ansatt eller tillitsvalgt", "ein tilsett eller tillitsvald", "somebody who works for the organisation"]
        }
        ("actor_kind", "link") => [
            "du selv, eller den som har lenken din",
            "du sjølv, eller den som har lenkja di",
            "you, or whoever has your link",
        ],
        _ => return value.to_owned(),
    };
    say(text, language).to_owned()
}

/// What data is looked at for, by what was asked for.
fn purpose_of_reading(action: &str) -> [&'static str; 3] {
    match action.split('.').next().unwrap_or_default() {
        "invoice" | "invoices" | "draft" | "run" | "standing_order" | "standing_orders" => {
            ["fakturering", "fakturering", "billing"]
        }
        "delivery" | "deliveries" | "print_queue" => ["utsending", "utsending", "delivery"],
        "payment" | "payments" | "mandates" | "open_items" | "opening_items" => {
            ["betaling og regnskap", "betaling og rekneskap", "payment and accounts"]
        }
        "privacy" | "requests" | "request" | "erasure" | "holds" | "reads" | "consents" | "consequences" | "breach" => {
            ["personvern", "personvern", "data protection"]
        }
        "archive" => ["oppslag i arkivet", "oppslag i arkivet", "the archive"],
        _ => ["kunderegister", "kunderegister", "the customer register"],
    }
}

/// What a table is called; its own name where it has no other.
fn heading(table: &str, language: Language) -> String {
    let text = match table {
        "archive_customer" | "archive_party" | "archive_text" | "archive_document" | "archive_payer" => {
            ["I regnskapsarkivet", "I rekneskapsarkivet", "In the statutory archive"]
        }
        "app_user" | "membership" => ["Brukerkontoen", "Brukarkontoen", "The account"],
        "user_session" => ["Innloggingsøkter", "Innloggingsøkter", "Sessions"],
        "audit_event" => ["Det du har gjort", "Det du har gjort", "What you have done"],
        "personal_reading_by_you" => ["Det du har slått opp", "Det du har slått opp", "What you have looked at"],
        "customer" | "customer_core" => ["Kundeforholdet", "Kundeforholdet", "The relationship"],
        "customer_detail" => ["Kontaktopplysninger", "Kontaktopplysningar", "Contact details"],
        "customer_contact" => ["Kontaktpersoner", "Kontaktpersonar", "Contact persons"],
        "standing_order" | "standing_order_line" => ["Faste avtaler", "Faste avtalar", "Standing orders"],
        "invoice" | "invoice_text" | "invoice_vat" | "party_block" => ["Fakturaer", "Fakturaer", "Invoices"],
        "payment" | "payment_payer" | "allocation" => ["Innbetalinger", "Innbetalingar", "Payments"],
        "ledger_entry" | "open_item" => ["Reskontro", "Reskontro", "Ledger"],
        "delivery" | "delivery_event" | "delivery_attempt" | "delivery_address" => {
            ["Utsending", "Utsending", "Deliveries"]
        }
        "consent" => ["Samtykker", "Samtykke", "Consents"],
        "personal_reading" => {
            ["Oppslag i opplysningene dine", "Oppslag i opplysningane dine", "When your data was looked at"]
        }
        "breach_person" => {
            ["Brudd på personvernet som gjelder deg", "Brot på personvernet som gjeld deg", "Breaches that concern you"]
        }
        "privacy_request" => ["Henvendelser om personvern", "Førespurnader om personvern", "Requests"],
        "statement_notice" => {
            ["Varsel om ny personvernerklæring", "Varsel om ny personvernerklæring", "Notices of a new statement"]
        }
        other => return other.replace('_', " "),
    };
    format!("{} ({})", say(text, language), table.replace('_', " "))
}

/// What a column is called; its own name where it has no other.
fn label(column: &str, language: Language) -> String {
    let text = match column {
        "number" => ["Nummer", "Nummer", "Number"],
        "login" => ["Innlogging", "Innlogging", "Sign-in name"],
        "role" => ["Rolle", "Rolle", "Role"],
        "verb" => ["Hva", "Kva", "What"],
        "fields" => ["Felt", "Felt", "Fields"],
        "name" => ["Navn", "Namn", "Name"],
        "org_number" => ["Organisasjonsnummer", "Organisasjonsnummer", "Organisation number"],
        "street" | "street2" => ["Adresse", "Adresse", "Address"],
        "postal_code" => ["Postnummer", "Postnummer", "Postal code"],
        "city" => ["Poststed", "Poststad", "Town"],
        "country" => ["Land", "Land", "Country"],
        "email" => ["E-post", "E-post", "E-mail"],
        "phone" => ["Telefon", "Telefon", "Phone"],
        "language" => ["Språk", "Språk", "Language"],
        "kid" => ["KID", "KID", "KID"],
        "issued_on" => ["Fakturadato", "Fakturadato", "Invoice date"],
        "due_on" => ["Forfall", "Forfall", "Due"],
        "booked_on" => ["Bokført", "Bokført", "Booked"],
        "total_ore" | "amount_ore" => ["Beløp i øre", "Beløp i øre", "Amount in øre"],
        "debit_account" => ["Betalt fra konto", "Betalt frå konto", "Paid from account"],
        "at" => ["Når", "Når", "When"],
        "action" => ["Hva det ble spurt etter", "Kva det vart spurt etter", "What was asked for"],
        "actor_kind" => ["Hva slags leser", "Kva slags lesar", "Kind of reader"],
        "people" => ["Antall personer i svaret", "Tal på personar i svaret", "People in the answer"],
        "reason" => ["Begrunnelse", "Grunngjeving", "Reason"],
        "informed_at" => ["Varslet", "Varsla", "Told"],
        "address" => ["Sendt til", "Sendt til", "Sent to"],
        other => return other.replace('_', " "),
    };
    say(text, language).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_the_values_the_reasons_and_where_to_complain() {
        let facts = PackageFacts {
            organisation: "Fjellbygda idrettslag".to_owned(),
            of_user: false,
            email: Some("post@fjellbygda.example".to_owned()),
            on: "2026-03-01".parse().unwrap(),
            held: vec![HeldFacts {
                rule: RuleId::CustomerMaster,
                count: 1,
                bases: vec![Basis::Contract],
                recipients: vec![Recipient::Host],
                until: None,
            }],
            tables: vec![DataTable {
                table: "customer_detail".to_owned(),
                rows: vec![BTreeMap::from([("email".to_owned(), "kari@kunde.example".to_owned())])],
            }],
        };
        for language in [Language::Bokmal, Language::Nynorsk, Language::English] {
            let page = crate::paper::html(&package(&facts, language)).unwrap();
            for part in ["kari@kunde.example", "Datatilsynet", "post@fjellbygda.example"] {
                assert!(page.contains(part), "{part}");
            }
        }
    }
}
