//! The invoice: pricing, the mandatory content of bokføringsforskriften § 5-1, and the frozen document.

use crate::customer::Language;
use crate::money::{Micro, Money, line_net, percent_of};
use crate::numbers::{AccountNumber, OrgNumber};
use crate::vat::{Category, Vat};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What kind of document it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A claim to be paid.
    Invoice,
    /// Takes back all or part of an invoice.
    CreditNote,
}

impl Kind {
    /// Stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditNote => "credit_note",
        }
    }

    /// From its stored name; anything else is an invoice.
    pub fn parse(text: &str) -> Self {
        if text == "credit_note" { Self::CreditNote } else { Self::Invoice }
    }
}

/// A postal address as printed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Address {
    /// Street or box.
    pub street: Option<String>,
    /// Second address line.
    pub street2: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Post town.
    pub city: Option<String>,
    /// ISO 3166-1 alpha-2 code.
    pub country: String,
}

impl Address {
    /// Whether somebody could be reached or identified by it.
    pub fn is_complete(&self) -> bool {
        self.city.is_some() && (self.postal_code.is_some() || self.country != "NO")
    }

    /// The lines under the name, country last when it is not Norway.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = [&self.street, &self.street2].into_iter().flatten().cloned().collect();
        let place: Vec<&str> = [&self.postal_code, &self.city].into_iter().flatten().map(String::as_str).collect();
        if !place.is_empty() {
            lines.push(place.join(" "));
        }
        if self.country != "NO" && !self.country.is_empty() {
            lines.push(self.country.clone());
        }
        lines
    }
}

/// The seller as frozen on a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seller {
    /// Registered name.
    pub name: String,
    /// Organisation number; an association without one prints none.
    pub org_number: Option<OrgNumber>,
    /// In the VAT register: the number gets the suffix MVA.
    pub vat_registered: bool,
    /// Whether `Foretaksregisteret` must be printed (AS, ASA, registered NUF).
    pub in_business_register: bool,
    /// Postal address.
    pub address: Address,
    /// Contact address of the organisation itself.
    pub email: Option<String>,
    /// Telephone of the organisation itself.
    pub phone: Option<String>,
    /// Where its privacy statement is.
    pub privacy_url: Option<String>,
    /// Account that is paid to.
    pub account: AccountNumber,
    /// SHA-256 of the logo in the file store.
    pub logo: Option<String>,
}

/// The buyer as frozen on a document. Never e-mail, phone or eFaktura address (decision 6).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyer {
    /// Customer number.
    pub number: String,
    /// Name.
    pub name: String,
    /// Organisation number of a business.
    pub org_number: Option<OrgNumber>,
    /// Postal address.
    pub address: Address,
    /// Buyer's reference.
    pub reference: Option<String>,
    /// Buyer's order number.
    pub order_number: Option<String>,
}

/// One line as asked for, before it is priced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineInput {
    /// What is sold.
    pub description: String,
    /// How many.
    pub quantity: Micro,
    /// UN/ECE unit code.
    pub unit: String,
    /// Price of one, in kroner without VAT.
    pub unit_price: Micro,
    /// Discount in percent.
    pub discount_percent: Micro,
    /// VAT on the line.
    pub vat: Vat,
    /// Product number it came from.
    pub product: Option<String>,
}

/// One priced line of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The line as asked for.
    #[serde(flatten)]
    pub input: LineInput,
    /// Quantity × price less discount, rounded once.
    #[serde(rename = "net_ore")]
    pub net: Money,
}

/// Sales and VAT at one rate of one category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VatGroup {
    /// EN 16931 category.
    pub category: Category,
    /// Rate in percent.
    pub rate: Micro,
    /// Sum of the lines.
    #[serde(rename = "basis_ore")]
    pub basis: Money,
    /// VAT of the sum, rounded once (law.md 1.5).
    #[serde(rename = "vat_ore")]
    pub vat: Money,
    /// Why no VAT is charged.
    pub reason: Option<String>,
}

/// Priced lines with their totals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// One per category and rate, highest rate first.
    pub groups: Vec<VatGroup>,
    /// Sum without VAT.
    #[serde(rename = "net_ore")]
    pub net: Money,
    /// VAT.
    #[serde(rename = "vat_ore")]
    pub vat: Money,
    /// To pay.
    #[serde(rename = "total_ore")]
    pub total: Money,
}

/// The frozen document of record: what PDF, HTML and EHF are drawn from (I4).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Invoice or credit note.
    pub kind: Kind,
    /// Number in its series.
    pub number: u64,
    /// Documentation date.
    pub issued_on: NaiveDate,
    /// Due date; a credit note has none.
    pub due_on: Option<NaiveDate>,
    /// First day of supply.
    pub delivered_from: NaiveDate,
    /// Last day of supply, when it is a period.
    pub delivered_to: Option<NaiveDate>,
    /// Place of supply, for goods.
    pub delivery_place: Option<String>,
    /// Language of the document.
    pub language: Language,
    /// Who sells.
    pub seller: Seller,
    /// Who buys.
    pub buyer: Buyer,
    /// What is sold.
    pub lines: Vec<Line>,
    /// Sums.
    pub totals: Totals,
    /// KID; a credit note has none.
    pub kid: Option<String>,
    /// The invoice a credit note corrects.
    pub credits: Option<Credited>,
    /// Free text of the seller.
    pub note: Option<String>,
}

/// The invoice a credit note refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credited {
    /// Its number.
    pub number: u64,
    /// Its date.
    pub issued_on: NaiveDate,
}

/// Why lines cannot be priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// The amount does not fit.
    #[error("line {line}: the amount is too large")]
    TooLarge {
        /// Line counted from 1.
        line: usize,
    },
    /// A discount is between 0 and 100 percent.
    #[error("line {line}: a discount is between 0 and 100 percent")]
    Discount {
        /// Line counted from 1.
        line: usize,
    },
}

/// Prices each line.
pub fn price(inputs: Vec<LineInput>) -> Result<Vec<Line>, PriceError> {
    inputs
        .into_iter()
        .enumerate()
        .map(|(i, input)| {
            let line = i + 1;
            if !(Micro::ZERO..=Micro::whole(100)).contains(&input.discount_percent) {
                return Err(PriceError::Discount { line });
            }
            let net = line_net(input.quantity, input.unit_price, input.discount_percent)
                .ok_or(PriceError::TooLarge { line })?;
            Ok(Line { input, net })
        })
        .collect()
}

/// Sums priced lines: VAT per category and rate on the sum of its lines, rounded once per group.
pub fn total(lines: &[Line]) -> Result<Totals, PriceError> {
    let mut groups: Vec<VatGroup> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let vat = &line.input.vat;
        let too_large = PriceError::TooLarge { line: i + 1 };
        if let Some(g) = groups.iter_mut().find(|g| g.category == vat.category && g.rate == vat.rate) {
            g.basis = g.basis.checked_add(line.net).ok_or(too_large)?;
        } else {
            groups.push(VatGroup {
                category: vat.category,
                rate: vat.rate,
                basis: line.net,
                vat: Money::ZERO,
                reason: vat.reason.clone(),
            });
        }
    }
    groups.sort_by(|a, b| b.rate.cmp(&a.rate).then(a.category.cmp(&b.category)));
    let (mut net, mut vat) = (Money::ZERO, Money::ZERO);
    let overflow = PriceError::TooLarge { line: lines.len() };
    for group in &mut groups {
        group.vat = percent_of(group.basis, group.rate).ok_or(overflow)?;
        net = net.checked_add(group.basis).ok_or(overflow)?;
        vat = vat.checked_add(group.vat).ok_or(overflow)?;
    }
    let total = net.checked_add(vat).ok_or(overflow)?;
    Ok(Totals { groups, net, vat, total })
}

/// Sales per SAF-T code, for the revenue accounts.
pub fn sales_by_code(lines: &[Line]) -> Vec<(String, Money)> {
    let mut sums: Vec<(String, Money)> = Vec::new();
    for line in lines {
        match sums.iter_mut().find(|(code, _)| *code == line.input.vat.code) {
            Some((_, sum)) => *sum = *sum + line.net,
            None => sums.push((line.input.vat.code.clone(), line.net)),
        }
    }
    sums
}

/// VAT per rate, for the VAT accounts.
pub fn vat_by_rate(totals: &Totals) -> Vec<(String, Money)> {
    totals.groups.iter().map(|g| (g.rate.to_string(), g.vat)).collect()
}

/// A mandatory element that is missing, with the rule that asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Path of the field, as in the API.
    pub field: &'static str,
    /// What to do.
    pub message: &'static str,
    /// Paragraph of bokføringsforskriften.
    pub rule: &'static str,
}

/// Whether nothing of `text` can stand on paper or in XML 1.0, section 2.2.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// What a document lacks of bokføringsforskriften §§ 5-1-1 to 5-1-5. Nothing missing: it may be issued.
pub fn missing_elements(doc: &Document) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut require = |ok: bool, field, message, rule| {
        if !ok {
            missing.push(Missing { field, message, rule });
        }
    };
    let seller = &doc.seller;
    require(!is_blank(&seller.name), "seller.name", "give the organisation a name", "§ 5-1-1 nr. 2");
    require(
        seller.org_number.is_some() || !(seller.vat_registered || seller.in_business_register),
        "seller.org_number",
        "a registered seller states its organisation number",
        "§ 5-1-2",
    );
    let buyer = &doc.buyer;
    require(!is_blank(&buyer.name), "buyer.name", "give the customer a name", "§ 5-1-1 nr. 2");
    require(
        buyer.address.is_complete() || buyer.org_number.is_some(),
        "buyer.address",
        "give the customer a postal code and town, or an organisation number",
        "§ 5-1-2",
    );
    let reverse = doc.lines.iter().any(|l| l.input.vat.category == Category::AE);
    require(
        !reverse || buyer.org_number.is_some(),
        "buyer.org_number",
        "reverse charge demands the buyer's organisation number",
        "§ 5-1-2",
    );
    require(!doc.lines.is_empty(), "lines", "a document has at least one line", "§ 5-1-1 nr. 3");
    require(
        doc.lines.iter().all(|l| !is_blank(&l.input.description)),
        "lines.description",
        "say on every line what is sold",
        "§ 5-1-1 nr. 3",
    );
    require(
        doc.lines.iter().all(|l| l.input.quantity != Micro::ZERO),
        "lines.quantity",
        "every line has a quantity",
        "§ 5-1-1 nr. 3",
    );
    require(
        doc.kind == Kind::CreditNote || doc.due_on.is_some_and(|d| d >= doc.issued_on),
        "due_on",
        "an invoice has a due date, not before its own date",
        "§ 5-1-1 nr. 5",
    );
    require(
        doc.delivered_to.is_none_or(|to| to >= doc.delivered_from),
        "delivered_to",
        "the period of supply ends on or after its first day",
        "§ 5-1-1 nr. 4",
    );
    require(
        doc.kind == Kind::CreditNote || doc.totals.total >= Money::ZERO,
        "lines",
        "an invoice cannot be negative; issue a credit note",
        "§ 5-2-7",
    );
    require(
        doc.kind == Kind::Invoice || doc.credits.is_some(),
        "credits",
        "a credit note refers to the invoice it corrects",
        "§ 5-2-7",
    );
    missing
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A line of one piece at a price and a rate.
    pub(crate) fn line(price: &str, rate: i32) -> LineInput {
        LineInput {
            description: "Vare".into(),
            quantity: Micro::ONE,
            unit: "H87".into(),
            unit_price: Micro::parse(price).unwrap(),
            discount_percent: Micro::ZERO,
            vat: Vat {
                code: if rate == 25 { "3" } else { "31" }.into(),
                rate: Micro::whole(rate),
                category: Category::S,
                reason: None,
            },
            product: None,
        }
    }

    #[test]
    fn vat_is_rounded_once_per_rate_not_per_line() {
        let lines = price(vec![line("0.10", 25), line("0.10", 25), line("0.10", 25)]).unwrap();
        let totals = total(&lines).unwrap();
        assert_eq!(totals.vat, Money::from_ore(8));
        assert_eq!(totals.total, Money::from_ore(38));
    }

    #[test]
    fn rates_are_summed_apart() {
        let lines = price(vec![line("1352", 15), line("124", 15), line("49", 25), line("60", 25)]).unwrap();
        let totals = total(&lines).unwrap();
        assert_eq!(totals.groups.len(), 2);
        assert_eq!(totals.groups[0].vat, Money::from_ore(2_725));
        assert_eq!(totals.groups[1].vat, Money::from_ore(22_140));
        assert_eq!(totals.total, Money::from_ore(183_365));
        assert_eq!(
            sales_by_code(&lines),
            vec![("31".into(), Money::from_ore(147_600)), ("3".into(), Money::from_ore(10_900))]
        );
    }

    #[test]
    fn amounts_beyond_i64_are_refused_with_their_line() {
        let lines = price(vec![line("90000000000", 25), line("9000000000000", 25)]);
        assert!(lines.is_ok());
        let mut huge = line("9000000000000", 25);
        huge.quantity = Micro::whole(1_000_000);
        assert_eq!(price(vec![line("1", 25), huge]), Err(PriceError::TooLarge { line: 2 }));
    }

    proptest::proptest! {
        #[test]
        fn totals_are_the_sum_of_their_groups(prices in proptest::collection::vec((-100_000i64..1_000_000, proptest::bool::ANY), 1..20)) {
            let inputs = prices.iter().map(|(p, low)| {
                let mut l = line("0", if *low { 15 } else { 25 });
                l.unit_price = Micro::from_micro(p * 10_000);
                l
            }).collect();
            let lines = price(inputs).unwrap();
            let t = total(&lines).unwrap();
            proptest::prop_assert_eq!(t.net, lines.iter().map(|l| l.net).sum());
            proptest::prop_assert_eq!(t.vat, t.groups.iter().map(|g| g.vat).sum());
            proptest::prop_assert_eq!(t.total, t.net + t.vat);
            proptest::prop_assert_eq!(t.net, sales_by_code(&lines).into_iter().map(|s| s.1).sum());
        }
    }
}
