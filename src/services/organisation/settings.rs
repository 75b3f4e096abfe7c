//! What may be changed of an organisation: its settings, its logo, where its numbers begin.

use super::LEGAL_FORMS;
use crate::ctx::Ctx;
use crate::services::error::{Error, FieldError, Kind};
use crate::services::work::{Actor, Deed, Work, given};
use crate::store::organisation as store;
use domain::channel::Channel;
use domain::delivery::is_mail_address;
use domain::numbers::OrgNumber;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What may be changed of an organisation; what is left out stays, `null` clears what may be empty.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrganisationPatch {
    /// Registered name.
    pub name: Option<String>,
    /// Organisation number.
    #[serde(deserialize_with = "given")]
    pub org_number: Option<Option<String>>,
    /// Legal form: AS, ASA, ENK, ANS, DA, NUF, SA, FLI, STI, BRL, ESEK or OTHER.
    pub legal_form: Option<String>,
    /// Whether it stands in the VAT register.
    pub vat_registered: Option<bool>,
    /// Street or box.
    #[serde(deserialize_with = "given")]
    pub street: Option<Option<String>>,
    /// Second address line.
    #[serde(deserialize_with = "given")]
    pub street2: Option<Option<String>>,
    /// Postal code.
    #[serde(deserialize_with = "given")]
    pub postal_code: Option<Option<String>>,
    /// Post town.
    #[serde(deserialize_with = "given")]
    pub city: Option<Option<String>>,
    /// Contact address.
    #[serde(deserialize_with = "given")]
    pub email: Option<Option<String>>,
    /// Telephone.
    #[serde(deserialize_with = "given")]
    pub phone: Option<Option<String>>,
    /// Where its privacy statement is.
    #[serde(deserialize_with = "given")]
    pub privacy_url: Option<Option<String>>,
    /// Language of its documents: nb, nn or en.
    pub language: Option<String>,
    /// Days from invoice date to due date.
    pub terms_days: Option<u16>,
    /// First month of the financial year, 1 to 12.
    pub fiscal_year_start_month: Option<u8>,
    /// Name mails come from.
    pub sender_name: Option<String>,
    /// Address mails come from.
    pub sender_email: Option<String>,
    /// Address answers go to, when it is another.
    #[serde(deserialize_with = "given")]
    pub reply_to: Option<Option<String>>,
    /// Percent of active customers a full list may end without force.
    pub guard_percent: Option<u8>,
    /// Days between vanishing from a full list and the end of the relationship.
    pub ending_grace_days: Option<u16>,
    /// Largest difference that may be written off an invoice, in øre.
    pub write_off_limit_ore: Option<u32>,
    /// Account customers pay to from now on.
    pub default_bank_account_id: Option<Uuid>,
    /// Channels for consumers in order, parted by commas: efaktura, mail, print.
    pub channels_person: Option<String>,
    /// Channels for businesses in order, parted by commas: ehf, mail, print.
    pub channels_business: Option<String>,
    /// Channels that may be used for protected identities; empty for none.
    pub safe_channels: Option<String>,
}

impl OrganisationPatch {
    fn check(&self) -> Result<(), Error> {
        let text = |t: &Option<Option<String>>| t.clone().flatten();
        let mut errors = Vec::new();
        let mut require = |ok: bool, field: &str, message: &str| {
            if !ok {
                errors.push(FieldError { field: field.into(), code: "invalid".into(), message: message.into() });
            }
        };
        let mail = "an e-mail address such as post@example.no";
        let is_mail = |a: Option<String>| a.as_deref().is_none_or(is_mail_address);
        require(is_mail(text(&self.email)), "email", mail);
        require(is_mail(text(&self.reply_to)), "reply_to", mail);
        require(is_mail(self.sender_email.clone()), "sender_email", mail);
        let filled = |t: &Option<String>| t.as_deref().is_none_or(|t| !t.trim().is_empty());
        require(filled(&self.name), "name", "the registered name");
        require(filled(&self.sender_name), "sender_name", "the name mails come from");
        let number = text(&self.org_number).is_none_or(|n| OrgNumber::parse(&n).is_ok());
        require(number, "org_number", "nine digits with a right control digit, such as 315 771 900");
        let form = self.legal_form.as_deref().is_none_or(|f| LEGAL_FORMS.contains(&f));
        require(form, "legal_form", &format!("one of {}", LEGAL_FORMS.join(", ")));
        let language = self.language.as_deref().is_none_or(|l| matches!(l, "nb" | "nn" | "en"));
        require(language, "language", "nb, nn or en");
        require(self.terms_days.is_none_or(|d| d <= 365), "terms_days", "0 to 365 days");
        let month = self.fiscal_year_start_month.is_none_or(|m| (1..=12).contains(&m));
        require(month, "fiscal_year_start_month", "1 to 12");
        require(self.guard_percent.is_none_or(|p| p <= 100), "guard_percent", "0 to 100 percent");
        require(self.ending_grace_days.is_none_or(|d| d <= 365), "ending_grace_days", "0 to 365 days");
        let limit = self.write_off_limit_ore.is_none_or(|o| o <= 100_000);
        require(limit, "write_off_limit_ore", "0 to 100 000 øre; write off more as a loss");
        for (field, text) in [
            ("channels_person", &self.channels_person),
            ("channels_business", &self.channels_business),
            ("safe_channels", &self.safe_channels),
        ] {
            let known = text.as_deref().is_none_or(|t| Channel::parse_list(t).is_some());
            require(known, field, "ehf, efaktura, mail or print, each once, parted by commas");
        }
        if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
    }
}

/// Fields that were changed, by name.
#[derive(Default)]
struct Changes(Vec<&'static str>);

impl Changes {
    fn set<T: PartialEq>(&mut self, name: &'static str, to: &mut T, from: Option<impl Into<T>>) {
        let Some(from) = from.map(Into::into) else { return };
        if *to != from {
            *to = from;
            self.0.push(name);
        }
    }
}

/// A list of channels as it is stored.
fn tidy_channels(text: &str) -> String {
    let channels = Channel::parse_list(text).unwrap_or_default();
    channels.into_iter().map(Channel::as_str).collect::<Vec<_>>().join(",")
}

/// Changes an organisation of the version the client saw, or as it stands. Documents issued before keep what they said.
pub async fn patch(ctx: &Ctx, actor: &Actor, version: Option<i64>, patch: OrganisationPatch) -> Result<(), Error> {
    patch.check()?;
    let work = Work::begin(ctx, actor).await?;
    let mut org = store::lock(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    Error::unless_seen("organisation", version.unwrap_or(org.version), org.version)?;
    if let Some(id) = patch.default_bank_account_id
        && !store::list_accounts(&work.tx).await?.iter().any(|a| a.id == id)
    {
        return Err(Error::field("default_bank_account_id", "unknown", "there is no such bank account"));
    }
    let org_number = patch.org_number.map(|n| n.and_then(|n| OrgNumber::parse(&n).ok()).map(String::from));
    let mut changes = Changes::default();
    changes.set("name", &mut org.name, patch.name);
    changes.set("org_number", &mut org.org_number, org_number);
    changes.set("legal_form", &mut org.legal_form, patch.legal_form);
    changes.set("vat_registered", &mut org.vat_registered, patch.vat_registered);
    changes.set("street", &mut org.street, patch.street);
    changes.set("street2", &mut org.street2, patch.street2);
    changes.set("postal_code", &mut org.postal_code, patch.postal_code);
    changes.set("city", &mut org.city, patch.city);
    changes.set("email", &mut org.email, patch.email);
    changes.set("phone", &mut org.phone, patch.phone);
    changes.set("privacy_url", &mut org.privacy_url, patch.privacy_url);
    changes.set("language", &mut org.language, patch.language);
    changes.set("terms_days", &mut org.terms_days, patch.terms_days);
    changes.set("fiscal_year_start_month", &mut org.fiscal_year_start_month, patch.fiscal_year_start_month);
    changes.set("sender_name", &mut org.sender_name, patch.sender_name);
    changes.set("sender_email", &mut org.sender_email, patch.sender_email);
    changes.set("reply_to", &mut org.reply_to, patch.reply_to);
    changes.set("guard_percent", &mut org.guard_percent, patch.guard_percent);
    changes.set("ending_grace_days", &mut org.ending_grace_days, patch.ending_grace_days);
    changes.set("write_off_limit_ore", &mut org.write_off_limit_ore, patch.write_off_limit_ore);
    changes.set("default_bank_account_id", &mut org.default_bank_account_id, patch.default_bank_account_id);
    let tidy = |list: Option<String>| list.map(|l| tidy_channels(&l));
    changes.set("channels_person", &mut org.channels_person, tidy(patch.channels_person));
    changes.set("channels_business", &mut org.channels_business, tidy(patch.channels_business));
    changes.set("safe_channels", &mut org.safe_channels, tidy(patch.safe_channels));
    org.updated_at = work.at;
    store::update(&work.tx, org).await?;
    let fields = changes.0.join(",");
    work.done(Deed { verb: "organisation.changed", subject: "organisation", id: actor.org, fields: &fields }).await
}

/// Largest logo in bytes.
pub const LOGO_BYTES: usize = 512 * 1024;

/// Puts a PNG or JPEG on the documents issued from now on, or takes it off.
pub async fn set_logo(ctx: &Ctx, actor: &Actor, image: Option<&[u8]>) -> Result<(), Error> {
    let hash = match image {
        None => None,
        Some(bytes) if bytes.len() > LOGO_BYTES => {
            return Err(Error::refuse(Kind::TooLarge, "logo_too_large", "a logo is at most 512 kB"));
        }
        Some(bytes) => {
            render::check_logo(bytes).map_err(|e| Error::field("logo", "unreadable_image", e.to_string()))?;
            Some(ctx.files.put(actor.org, bytes).await?.to_vec())
        }
    };
    let work = Work::begin(ctx, actor).await?;
    let mut org = store::lock(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    org.logo = hash;
    org.updated_at = work.at;
    store::update(&work.tx, org).await?;
    work.done(Deed { verb: "organisation.logo_changed", subject: "organisation", id: actor.org, fields: "logo" }).await
}

/// Sets the first number of a series, once and before it is used: an organisation goes on where its old system ended.
pub async fn start_series(ctx: &Ctx, actor: &Actor, code: &str, first_number: u64) -> Result<(), Error> {
    let first = i64::try_from(first_number).ok().filter(|n| (1..=999_999_999_999).contains(n));
    let first = first.ok_or_else(|| Error::field("first_number", "out_of_range", "1 to 999 999 999 999"))?;
    let work = Work::begin(ctx, actor).await?;
    let mut series = store::lock_series(&work.tx, code).await?.ok_or_else(|| Error::not_found("number series"))?;
    if series.start_set_at.is_some() || series.next_number != series.first_number {
        let message = "the first number is set once, before the series is used; numbers already given out stay";
        return Err(Error::conflict("series_started", message));
    }
    let id = series.id;
    series.first_number = first;
    series.next_number = first;
    series.start_set_at = Some(work.at);
    store::update_series(&work.tx, series).await?;
    work.done(Deed { verb: "number_series.started", subject: "number_series", id, fields: "first_number" }).await
}
