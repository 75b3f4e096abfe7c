//! Which way a document goes, and why: pure, decided at issue and again right before it is sent.

use crate::delivery::{MailGround, may_mail_business};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

macro_rules! channels {
    ($($variant:ident $name:literal $doc:literal),+ $(,)?) => {
        /// A way for a document to reach its receiver.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Channel { $(#[doc = $doc] $variant),+ }

        impl Channel {
            /// Every channel.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Stored name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

channels! {
    Ehf "ehf" "E-invoice to a business, over Peppol.",
    Efaktura "efaktura" "Request in a consumer's bank.",
    Mail "mail" "E-mail with the PDF.",
    Print "print" "Printed and posted by a person.",
}

impl Channel {
    /// From its stored name; customer lists say `email`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = if text == "email" { "mail" } else { text };
        Self::ALL.iter().copied().find(|c| c.as_str() == text)
    }

    /// A list such as `efaktura,mail`; `None` when a name is unknown or stands twice.
    pub fn parse_list(text: &str) -> Option<Vec<Self>> {
        let mut found = Vec::new();
        for name in text.split(',').map(str::trim).filter(|n| !n.is_empty()) {
            let channel = Self::parse(name)?;
            if found.contains(&channel) {
                return None;
            }
            found.push(channel);
        }
        Some(found)
    }
}

/// What a look-up said of a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The channel is not set up here.
    Off,
    /// Can be reached.
    Yes,
    /// Cannot, and why.
    No(&'static str),
    /// Not asked yet, or the directory did not answer: never taken for a no.
    Unknown,
}

/// What is known of a document and its receiver when the channel is chosen.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and none implies another")]
pub struct Facts {
    /// The receiver is a business.
    pub business: bool,
    /// The receiver's identity is protected.
    pub protected: bool,
    /// It is a credit note.
    pub credit_note: bool,
    /// Something is to be paid.
    pub payable: bool,
    /// Date of the document.
    pub issued_on: NaiveDate,
    /// Due date.
    pub due_on: Option<NaiveDate>,
    /// The business date.
    pub today: NaiveDate,
    /// First day e-invoices between businesses are a duty.
    pub duty_from: NaiveDate,
    /// Why a business may get mail all the same.
    pub mail_ground: Option<MailGround>,
    /// Days the eFaktura gateway wants before the due date.
    pub efaktura_min_days: u16,
    /// Whether the receiver's access point takes such documents.
    pub ehf: Reach,
    /// Whether the consumer accepts eFaktura.
    pub efaktura: Reach,
    /// Whether mail can be sent.
    pub mail: Reach,
}

/// The channel that was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// The channel.
    pub channel: Channel,
    /// Why, as a stable code.
    pub reason: &'static str,
    /// The directory has not answered yet; asked before anything is sent.
    pub pending: bool,
}

/// The channels to try, in order.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The customer's own choice, before all else.
    pub own: Option<Channel>,
    /// The organisation's order for such customers.
    pub organisation: &'a [Channel],
    /// Channels that may be used for protected identities.
    pub safe: &'a [Channel],
    /// A channel that has failed and is not tried again.
    pub without: Option<Channel>,
}

impl Order<'_> {
    fn channels(&self) -> impl Iterator<Item = Channel> {
        let rest = self.organisation.iter().copied().filter(|c| Some(*c) != self.own);
        self.own.into_iter().chain(rest).filter(|c| Some(*c) != self.without)
    }
}

/// Chooses the first channel that can be used. Where none can, says why the last one could not: what a person can mend.
pub fn choose(order: &Order<'_>, facts: &Facts) -> Result<Chosen, &'static str> {
    let mut passed_over = None;
    let mut last = "no_channel";
    for channel in order.channels() {
        let refusal = match usable(channel, order, facts) {
            Ok(pending) => {
                let reason = match passed_over {
                    _ if pending => pending_reason(channel),
                    _ if order.without.is_some() => "fallback_after_failure",
                    _ if order.own == Some(channel) => "customers_own_choice",
                    Some(why) => why,
                    None => first_choice(channel, facts),
                };
                return Ok(Chosen { channel, reason, pending });
            }
            Err(refusal) => refusal,
        };
        // "Not set up here" says nothing of the receiver.
        if refusal != "channel_off" {
            passed_over.get_or_insert(refusal);
            last = refusal;
        }
    }
    Err(last)
}

/// Whether a channel can be used; `true` when the directory must still answer.
fn usable(channel: Channel, order: &Order<'_>, facts: &Facts) -> Result<bool, &'static str> {
    if facts.protected && !order.safe.contains(&channel) {
        return Err("protected_no_safe_channel");
    }
    let reach = match channel {
        Channel::Ehf if !facts.business => Reach::No("not_a_business"),
        Channel::Ehf => facts.ehf,
        Channel::Efaktura => efaktura(facts),
        Channel::Mail if facts.business && !may_mail_business(facts.issued_on, facts.duty_from, facts.mail_ground) => {
            Reach::No("einvoice_required")
        }
        Channel::Mail => facts.mail,
        Channel::Print => Reach::Yes,
    };
    match reach {
        Reach::Yes => Ok(false),
        Reach::Unknown => Ok(true),
        Reach::No(why) => Err(why),
        Reach::Off => Err("channel_off"),
    }
}

/// eFaktura asks for money, in time, of a consumer.
fn efaktura(facts: &Facts) -> Reach {
    if facts.business {
        return Reach::No("not_a_consumer");
    }
    if facts.efaktura == Reach::Off {
        return Reach::Off;
    }
    if facts.credit_note {
        return Reach::No("efaktura_not_for_credit_notes");
    }
    if !facts.payable {
        return Reach::No("nothing_to_pay");
    }
    let first = facts.today + chrono::Days::new(u64::from(facts.efaktura_min_days));
    if facts.due_on.is_none_or(|due| due < first) {
        return Reach::No("efaktura_due_date_too_near");
    }
    facts.efaktura
}

const fn pending_reason(channel: Channel) -> &'static str {
    match channel {
        Channel::Ehf => "business_lookup_pending",
        _ => "consumer_lookup_pending",
    }
}

fn first_choice(channel: Channel, facts: &Facts) -> &'static str {
    match channel {
        Channel::Ehf => "business_in_peppol",
        Channel::Efaktura => "consumer_accepts_efaktura",
        Channel::Mail if !facts.business => "mail_address_on_file",
        Channel::Mail if facts.issued_on < facts.duty_from => "business_before_duty",
        Channel::Mail => "business_mail_ground",
        Channel::Print => "print_last_resort",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Channel::{Efaktura, Ehf, Mail, Print};

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).unwrap()
    }

    fn facts() -> Facts {
        Facts {
            business: false,
            protected: false,
            credit_note: false,
            payable: true,
            issued_on: day(2027, 2, 1),
            due_on: Some(day(2027, 2, 15)),
            today: day(2027, 2, 1),
            duty_from: day(2027, 1, 1),
            mail_ground: None,
            efaktura_min_days: 4,
            ehf: Reach::Yes,
            efaktura: Reach::Yes,
            mail: Reach::Yes,
        }
    }

    fn order(organisation: &[Channel]) -> Order<'_> {
        Order { own: None, organisation, safe: &[Mail], without: None }
    }

    fn said(order: &Order<'_>, facts: &Facts) -> (Option<Channel>, &'static str) {
        match choose(order, facts) {
            Ok(chosen) => (Some(chosen.channel), chosen.reason),
            Err(reason) => (None, reason),
        }
    }

    #[test]
    fn a_consumer_gets_efaktura_else_mail_and_each_choice_says_why() {
        let order = order(&[Efaktura, Mail]);
        assert_eq!(said(&order, &facts()), (Some(Efaktura), "consumer_accepts_efaktura"));
        let no = Facts { efaktura: Reach::No("consumer_not_in_efaktura"), ..facts() };
        assert_eq!(said(&order, &no), (Some(Mail), "consumer_not_in_efaktura"));
        let off = Facts { efaktura: Reach::Off, ..facts() };
        assert_eq!(said(&order, &off), (Some(Mail), "mail_address_on_file"));
        let late = Facts { today: day(2027, 2, 12), ..facts() };
        assert_eq!(said(&order, &late), (Some(Mail), "efaktura_due_date_too_near"));
        let credit = Facts { credit_note: true, due_on: None, ..facts() };
        assert_eq!(said(&order, &credit), (Some(Mail), "efaktura_not_for_credit_notes"));
        let neither = Facts { mail: Reach::No("no_address"), ..no };
        assert_eq!(said(&order, &neither), (None, "no_address"));
    }

    #[test]
    fn an_unanswered_look_up_is_never_a_no() {
        let order = order(&[Efaktura, Mail]);
        let chosen = choose(&order, &Facts { efaktura: Reach::Unknown, ..facts() }).unwrap();
        assert_eq!((chosen.channel, chosen.pending), (Efaktura, true));
        let business = Facts { business: true, ehf: Reach::Unknown, ..facts() };
        let chosen = choose(&Order { organisation: &[Ehf, Mail], ..order }, &business).unwrap();
        assert_eq!((chosen.channel, chosen.reason, chosen.pending), (Ehf, "business_lookup_pending", true));
    }

    #[test]
    fn a_business_gets_ehf_and_mail_only_on_a_ground() {
        let order = order(&[Ehf, Mail]);
        let business = Facts { business: true, ..facts() };
        assert_eq!(said(&order, &business), (Some(Ehf), "business_in_peppol"));
        let absent = Facts { ehf: Reach::No("business_not_in_peppol"), ..business };
        assert_eq!(said(&order, &absent), (None, "einvoice_required"));
        let ground = Facts { mail_ground: Some(MailGround::NotBookkeepingLiable), ..absent };
        assert_eq!(said(&order, &ground), (Some(Mail), "business_not_in_peppol"));
        let before = Facts { issued_on: day(2026, 12, 31), ehf: Reach::Off, ..business };
        assert_eq!(said(&order, &before), (Some(Mail), "business_before_duty"));
    }

    #[test]
    fn the_customers_own_choice_comes_first_and_a_failed_channel_is_left_out() {
        let base = order(&[Efaktura, Mail]);
        assert_eq!(said(&Order { own: Some(Mail), ..base }, &facts()), (Some(Mail), "customers_own_choice"));
        let again = Order { without: Some(Efaktura), ..base };
        assert_eq!(said(&again, &facts()), (Some(Mail), "fallback_after_failure"));
        assert_eq!(said(&Order { own: Some(Print), ..base }, &facts()), (Some(Print), "customers_own_choice"));
    }

    #[test]
    fn a_protected_identity_goes_only_where_it_is_safe() {
        let protected = Facts { protected: true, ..facts() };
        let base = order(&[Efaktura, Mail]);
        assert_eq!(said(&base, &protected), (Some(Mail), "protected_no_safe_channel"));
        assert_eq!(said(&Order { safe: &[], ..base }, &protected), (None, "protected_no_safe_channel"));
        assert_eq!(said(&Order { own: Some(Print), safe: &[], ..base }, &protected).0, None);
    }

    #[test]
    fn lists_are_read_and_doubles_refused() {
        assert_eq!(Channel::parse_list("efaktura, mail"), Some(vec![Efaktura, Mail]));
        assert_eq!(Channel::parse_list(""), Some(vec![]));
        assert_eq!(Channel::parse_list("mail,email"), None);
        assert_eq!(Channel::parse_list("fax"), None);
    }
}
