//! Which heading means which field, in Norwegian and English.

use super::{Detected, FileError};
use domain::customer::Field;
use std::collections::HashMap;
use unicode_normalization::UnicodeNormalization;

/// What a column is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Target {
    /// A field of its own.
    Field(Field),
    /// Part of the name.
    FirstName,
    /// Part of the name.
    LastName,
    /// Name of a business.
    CompanyName,
    /// A second telephone number, used where the first is blank.
    Phone2,
    /// Active or ended.
    Status,
    /// Last day.
    EndedOn,
    /// Why it ended.
    EndedReason,
    /// Refused by its heading.
    NationalId,
}

impl Target {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Field(f) => f.name(),
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::CompanyName => "company_name",
            Self::Phone2 => "phone#2",
            Self::Status => "status",
            Self::EndedOn => "ended_on",
            Self::EndedReason => "ended_reason",
            Self::NationalId => "national_id",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let others = [
            Self::FirstName,
            Self::LastName,
            Self::CompanyName,
            Self::Phone2,
            Self::Status,
            Self::EndedOn,
            Self::EndedReason,
        ];
        Field::parse(name).map(Self::Field).or_else(|| others.into_iter().find(|t| t.name() == name))
    }
}

/// Case-folded, NFC, letters and digits only: `E-post` and `epost` are one heading.
pub fn normalise_heading(heading: &str) -> String {
    heading.nfc().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).collect()
}

/// Target name and its headings, normalised.
const HEADINGS: &[(&str, &str)] = &[
    (
        "number",
        "kundenummer kundenr kundeid medlemsnummer medlemsnr medlnr medlemsid customernumber customerno customerid \
         number memberno membernumber contactcustomerid companyid nr",
    ),
    ("name", "navn kundenavn fulltnavn name customername fullname contactname companyname"),
    ("first_name", "fornavn firstname givenname contactfirstname"),
    ("last_name", "etternavn lastname surname contactlastname"),
    ("company_name", "firma firmanavn bedrift bedriftsnavn virksomhet company"),
    ("kind", "kundetype privatbedrift customertype kind"),
    (
        "org_number",
        "organisasjonsnummer organisasjonsnr orgnummer orgnr organizationnumber organisationnumber orgnumber \
         companygovno",
    ),
    (
        "street",
        "adresse adresse1 gateadresse postadresse postadresselinje1 hovedadresselinje1 adresselinje1 street address \
         address1 addressline1 postaladdressline1 streetaddress addressstreet contactadressstreet companypoststreet",
    ),
    (
        "street2",
        "adresse2 postadresselinje2 hovedadresselinje2 adresselinje2 co street2 address2 addressline2 \
         postaladdressline2 addressstreet2",
    ),
    (
        "postal_code",
        "postnummer postnr postadressepostnummer hovedadressepostnummer postalcode zip zipcode postcode \
         postaladdresspostalcode addresspostalcode contactadresspostcode companypostpostcode",
    ),
    (
        "city",
        "poststed sted postadressested hovedadressepostalsted by city town postaladdresscity addresscity \
         contactadresspostarea companypostpostarea",
    ),
    (
        "country",
        "land landkode postadresseland hovedadresseland country countrycode postaladdresscountry addresscountry \
         contactcountry companycountry",
    ),
    ("email", "epost epostadresse mail mailadresse email emailaddress contactemail companyemail"),
    ("phone", "mobil mobiltelefon mobilnummer mobilnr mobile mobilephone cellphone contactmobile companymobile"),
    ("phone#2", "telefon telefonnummer tlf tlfnr phone phonenumber telephone contactphone companyphone"),
    ("language", "språk målform language"),
    ("payment_method", "betalingsmåte betalingsmetode betalingsform paymentmethod"),
    (
        "channel",
        "sendfakturasom fakturakanal utsendelse utsendelsesmåte leveringsmåte distribusjon preferredchannel channel",
    ),
    ("efaktura_address", "efakturaadresse efakturaidentifikator efakturaidentifier efakturaaddress"),
    ("standard_products", "produkter standardprodukter kontingent kontingenttype products standardproducts"),
    (
        "protected_identity",
        "adressesperre hemmeligadresse skjermetadresse skjermet fortroligadresse beskyttetadresse protectedidentity \
         protected",
    ),
    ("reference", "deresref deresreferanse referanse kundereferanse yourreference buyerreference reference"),
    ("order_number", "bestillingsnummer bestillingsnr innkjøpsordre ponumber purchaseorder ordernumber"),
    (
        "external_updated_at",
        "sistendret endret endretdato sistoppdatert oppdatert updatedat lastmodified modified contactdatechanged \
         externalupdatedat",
    ),
    ("status", "status medlemsstatus kundestatus"),
    ("ended_on", "utmeldt utmeldtdato utmeldingsdato sluttdato opphørt endedon enddate"),
    ("ended_reason", "utmeldingsårsak sluttårsak endedreason endreason"),
    ("contact_name", "kontaktperson kontaktpersonnavn contactperson"),
    ("contact_role", "kontaktpersonrolle kontaktpersonstilling contactrole"),
    ("contact_email", "kontaktpersonepost epostkontaktperson"),
    ("contact_phone", "kontaktpersontelefon kontaktpersonmobil"),
    (
        "national_id",
        "dnummer fnr fodselsnummer fødselsnr fødselsnummer fødselsnummer11siffer fødselsogpersonnummer nasjonalid \
         nationalid nationalidentitynumber personnr personnummer pnr socialsecuritynumber ssn",
    ),
];

fn target_of(heading: &str, saved: &HashMap<String, String>) -> Option<Target> {
    // Keys of nested JSON objects.
    match heading.trim().to_lowercase().as_str() {
        "contact.name" => return Some(Target::Field(Field::ContactName)),
        "contact.role" => return Some(Target::Field(Field::ContactRole)),
        "contact.email" => return Some(Target::Field(Field::ContactEmail)),
        "contact.phone" => return Some(Target::Field(Field::ContactPhone)),
        _ => {}
    }
    let normal = normalise_heading(heading);
    if let Some(target) = saved.get(&normal).and_then(|name| Target::parse(name)) {
        return Some(target);
    }
    let name = HEADINGS.iter().find(|(_, all)| all.split_whitespace().any(|h| h == normal)).map(|(name, _)| *name);
    match name {
        Some("national_id") => Some(Target::NationalId),
        Some(name) => Target::parse(name),
        None => guardian(&normal).map(Target::Field),
    }
}

/// `foresatt 1 mobil`, `guardian2 e-mail`, `foresatte`.
fn guardian(normal: &str) -> Option<Field> {
    let rest = ["foresatte", "foresatt", "guardian"].iter().find_map(|p| normal.strip_prefix(p))?;
    let (second, rest) = match rest.as_bytes().first() {
        Some(b'1') => (false, &rest[1..]),
        Some(b'2') => (true, &rest[1..]),
        _ => (false, rest),
    };
    let (first, other) = match rest {
        "" | "navn" | "name" => (Field::Guardian1Name, Field::Guardian2Name),
        "epost" | "email" => (Field::Guardian1Email, Field::Guardian2Email),
        "mobil" | "telefon" | "tlf" | "phone" | "mobile" => (Field::Guardian1Phone, Field::Guardian2Phone),
        _ => return None,
    };
    Some(if second { other } else { first })
}

/// The headings of a list and what each is used for.
#[derive(Clone)]
pub(super) struct Headings {
    written: Vec<String>,
    targets: Vec<Option<Target>>,
    numbered: bool,
}

impl Headings {
    /// Headings of a table, in order.
    pub(super) fn from_cells<'a>(cells: impl Iterator<Item = &'a str>, saved: &HashMap<String, String>) -> Self {
        let written: Vec<String> = cells.map(|c| c.trim().to_owned()).collect();
        Self::build(written, saved, true)
    }

    /// Keys of JSON objects, in the order they were first seen.
    pub(super) fn from_keys(written: Vec<String>, saved: &HashMap<String, String>) -> Self {
        Self::build(written, saved, false)
    }

    fn build(written: Vec<String>, saved: &HashMap<String, String>, numbered: bool) -> Self {
        let mut targets: Vec<Option<Target>> = written.iter().map(|h| target_of(h, saved)).collect();
        let mobile = Some(Target::Field(Field::Phone));
        if !targets.contains(&mobile)
            && let Some(only) = targets.iter_mut().find(|t| **t == Some(Target::Phone2))
        {
            *only = mobile;
        }
        // The first column of a kind is used; a second one has no purpose.
        for i in 0..targets.len() {
            let taken = targets[i].is_some_and(|t| t != Target::NationalId) && targets[..i].contains(&targets[i]);
            if taken {
                targets[i] = None;
            }
        }
        Self { written, targets, numbered }
    }

    /// A sheet may be wider than its headings.
    pub(super) fn without_trailing_blanks(mut self) -> Self {
        while self.written.last().is_some_and(String::is_empty) {
            self.written.pop();
            self.targets.pop();
        }
        self
    }

    pub(super) fn len(&self) -> usize {
        self.written.len()
    }

    /// How many headings we know.
    pub(super) fn known(&self) -> usize {
        self.targets.iter().flatten().count()
    }

    pub(super) fn has_number(&self) -> bool {
        self.column_of(Target::Field(Field::Number)).is_some()
    }

    pub(super) fn require_number(&self, line: usize, detected: &Detected) -> Result<(), FileError> {
        if self.has_number() {
            return Ok(());
        }
        let message = "no column holds the customer number; name one of them Kundenummer or map it";
        let mut error = FileError::new("missing_required_column", message);
        error.field = Some("number");
        Err(error.at(line).detected(detected))
    }

    pub(super) fn heading(&self, index: usize) -> &str {
        self.written.get(index).map_or("", String::as_str)
    }

    /// Column number as people count, where the list has columns.
    pub(super) fn column_number(&self, index: usize) -> Option<usize> {
        self.numbered.then_some(index + 1)
    }

    pub(super) fn target(&self, index: usize) -> Option<Target> {
        self.targets.get(index).copied().flatten()
    }

    pub(super) fn column_of(&self, target: Target) -> Option<usize> {
        self.targets.iter().position(|t| *t == Some(target))
    }

    /// The column is not used after all.
    pub(super) fn drop_column(&mut self, index: usize) {
        if let Some(target) = self.targets.get_mut(index) {
            *target = None;
        }
    }
}
