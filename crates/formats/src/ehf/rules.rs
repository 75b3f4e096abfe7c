//! The gate: what makes a receiver refuse a document, and what the official rules let through but we do not.
//!
//! Rules carry the names of CEN EN 16931 and Peppol BIS Billing 3.0; `RESKONTRO-…` closes a gap in those.

use super::tree::{all, amount, at, first, number, path, text};
use super::{CUSTOMIZATION, Finding, PROFILE, order};
use chrono::NaiveDate;
use domain::kid;
use domain::numbers::{AccountNumber, OrgNumber};
use roxmltree::Node;
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::BTreeMap;

/// Every rule a document breaks; none: it may be sent.
pub fn check(bytes: &[u8]) -> Vec<Finding> {
    let unreadable = |message: String| vec![Finding { rule: "XML", path: String::new(), message }];
    let xml = match std::str::from_utf8(bytes) {
        Ok(xml) => xml,
        Err(e) => return unreadable(format!("not UTF-8: {e}")),
    };
    let tree = match roxmltree::Document::parse(xml) {
        Ok(tree) => tree,
        Err(e) => return unreadable(e.to_string()),
    };
    let root = tree.root_element();
    let mut gate = Gate { root, findings: Vec::new() };
    let space = root.tag_name().namespace().unwrap_or_default();
    let name = root.tag_name().name();
    if !matches!(name, "Invoice" | "CreditNote")
        || space != format!("urn:oasis:names:specification:ubl:schema:xsd:{name}-2")
    {
        gate.find("UBL-XSD", root, "the document is neither a UBL Invoice nor a UBL CreditNote");
        return gate.findings;
    }
    order::check(root, &mut gate.findings);
    if gate.findings.is_empty() {
        gate.run();
    }
    gate.findings
}

struct Gate<'a, 'i> {
    root: Node<'a, 'i>,
    findings: Vec<Finding>,
}

const HUNDRED: Decimal = Decimal::ONE_HUNDRED;

/// Types of invoices that the profile takes.
const INVOICE_TYPES: &[&str] = &[
    "71", "80", "82", "84", "102", "218", "219", "326", "331", "380", "382", "383", "384", "386", "388", "393", "395",
    "553", "575", "623", "780", "817", "870", "875", "876", "877",
];
/// Types of credit notes that the profile takes.
const CREDIT_TYPES: &[&str] = &["81", "83", "381", "396", "532"];
/// Address schemes that are no longer in the list.
const WITHDRAWN_SCHEMES: &[&str] = &[
    "9901", "9902", "9904", "9905", "9906", "9907", "9908", "9909", "9912", "9916", "9917", "9921", "9954", "9956",
    "9958",
];

impl<'a> Gate<'a, '_> {
    fn find(&mut self, rule: &'static str, node: Node<'_, '_>, message: impl Into<String>) {
        self.findings.push(Finding { rule, path: path(node), message: message.into() });
    }

    fn require(&mut self, ok: bool, rule: &'static str, node: Node<'_, '_>, message: &str) {
        if !ok {
            self.find(rule, node, message);
        }
    }

    fn run(&mut self) {
        self.header();
        self.nothing_empty();
        self.parties();
        self.identifiers();
        self.periods();
        self.lines();
        self.totals();
        self.vat();
        self.outside_vat();
        if self.is_norwegian() {
            self.norwegian();
        }
    }

    fn header(&mut self) {
        let root = self.root;
        let credit = root.tag_name().name() == "CreditNote";
        self.require(
            text(root, "CustomizationID") == Some(CUSTOMIZATION),
            "PEPPOL-EN16931-R004",
            root,
            "CustomizationID is not that of Peppol BIS Billing 3.0",
        );
        self.require(
            text(root, "ProfileID") == Some(PROFILE),
            "PEPPOL-EN16931-R007",
            root,
            "ProfileID is not that of billing",
        );
        self.require(text(root, "ID").is_some(), "BR-02", root, "the document has no number");
        let date = |name| text(root, name).and_then(|t| t.parse::<NaiveDate>().ok());
        self.require(date("IssueDate").is_some(), "BR-03", root, "the document has no date");
        let (name, types) =
            if credit { ("CreditNoteTypeCode", CREDIT_TYPES) } else { ("InvoiceTypeCode", INVOICE_TYPES) };
        let known = text(root, name).is_some_and(|t| types.contains(&t));
        self.require(known, "BR-CL-01", root, "the type of the document is not one the profile takes");
        self.require(text(root, "DocumentCurrencyCode").is_some(), "BR-05", root, "the document has no currency");
        self.require(all(root, "Note").count() < 2, "PEPPOL-EN16931-R002", root, "only one note is allowed");
        let reference = text(root, "BuyerReference").or_else(|| text(root, "OrderReference/ID"));
        self.require(
            reference.is_some(),
            "PEPPOL-EN16931-R003",
            root,
            "a buyer reference or an order number must be there",
        );
    }

    /// PEPPOL-EN16931-R008.
    fn nothing_empty(&mut self) {
        for node in self.root.descendants().filter(Node::is_element) {
            let has_text = node.text().is_some_and(|t| !t.trim().is_empty());
            if !has_text && !node.children().any(|c| c.is_element()) {
                self.find("PEPPOL-EN16931-R008", node, "the element is empty; leave it out");
            }
        }
    }

    fn party(&self, side: &'a str) -> Option<Node<'a, 'a>> {
        first(self.root, side)
    }

    fn parties(&mut self) {
        let root = self.root;
        for (side, endpoint, name, country) in [
            ("AccountingSupplierParty/Party", "PEPPOL-EN16931-R020", "BR-06", "BR-09"),
            ("AccountingCustomerParty/Party", "PEPPOL-EN16931-R010", "BR-07", "BR-11"),
        ] {
            let Some(party) = first(root, side) else {
                self.find(name, root, "a party is missing");
                continue;
            };
            self.require(text(party, "EndpointID").is_some(), endpoint, party, "the party has no electronic address");
            self.require(
                text(party, "PartyLegalEntity/RegistrationName").is_some(),
                name,
                party,
                "the party has no name",
            );
            let at_home = text(party, "PostalAddress/Country/IdentificationCode").is_some();
            self.require(at_home, country, party, "the address has no country");
        }
    }

    fn identifiers(&mut self) {
        let root = self.root;
        let names = ["EndpointID", "ID", "CompanyID"];
        for node in root.descendants().filter(|n| n.is_element() && names.contains(&n.tag_name().name())) {
            let (scheme, value) = (node.attribute("schemeID"), node.text().unwrap_or_default().trim());
            if scheme == Some("0192") && (OrgNumber::parse(value).is_err() || value.len() != 9) {
                self.find(
                    "PEPPOL-COMMON-R041",
                    node,
                    "not an organisation number: nine digits, the last a control digit",
                );
            }
            if node.tag_name().name() != "EndpointID" {
                continue;
            }
            match scheme {
                None => self.find("BR-62", node, "the electronic address has no scheme"),
                Some(s) if WITHDRAWN_SCHEMES.contains(&s) || s.len() > 4 => {
                    self.find(
                        "PEPPOL-EN16931-CL008",
                        node,
                        format!("{s} is not in the list of address schemes; Norwegian parties use 0192"),
                    );
                }
                Some(_) => {}
            }
        }
    }

    fn periods(&mut self) {
        for period in self.root.descendants().filter(|n| n.tag_name().name() == "InvoicePeriod") {
            let date = |name| text(period, name).and_then(|t| t.parse::<NaiveDate>().ok());
            let of_line = period.parent().is_some_and(|p| p != self.root);
            if let (Some(from), Some(to)) = (date("StartDate"), date("EndDate"))
                && to < from
            {
                self.find(if of_line { "BR-30" } else { "BR-29" }, period, "the period ends before it begins");
            }
        }
    }

    fn document_lines(&self) -> Vec<Node<'a, 'a>> {
        let name = if self.root.tag_name().name() == "CreditNote" { "CreditNoteLine" } else { "InvoiceLine" };
        all_of(self.root, name)
    }

    fn lines(&mut self) {
        let lines = self.document_lines();
        self.require(!lines.is_empty(), "BR-16", self.root, "the document has no lines");
        for line in lines {
            let quantity =
                line.children().find(|c| matches!(c.tag_name().name(), "InvoicedQuantity" | "CreditedQuantity"));
            let Some(quantity) = quantity else {
                self.find("BR-22", line, "the line has no quantity");
                continue;
            };
            let unit = quantity.attribute("unitCode").unwrap_or_default();
            let coded =
                (2..=3).contains(&unit.len()) && unit.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
            self.require(coded, "BR-CL-23", quantity, "the unit is not a code of UN/ECE Recommendation 20 or 21");
            self.require(text(line, "Item/Name").is_some(), "BR-25", line, "the line does not say what is sold");
            let category = text(line, "Item/ClassifiedTaxCategory/ID");
            self.require(category.is_some(), "BR-CO-04", line, "the line has no VAT category");
            self.line_sum(line, quantity);
        }
    }

    /// Quantity × price, rounded, with what is added and taken off: the net of the line (R120, slack 0.02).
    fn line_sum(&mut self, line: Node<'_, '_>, quantity: Node<'_, '_>) {
        let quantity = quantity.text().and_then(|t| Decimal::from_str_exact(t.trim()).ok());
        let Some(net) = number(line, "LineExtensionAmount") else {
            return self.find("BR-24", line, "the line has no sum");
        };
        let (Some(quantity), Some(price)) = (quantity, number(line, "Price/PriceAmount")) else {
            return self.find("BR-26", line, "the line has no price");
        };
        self.require(
            !price.is_sign_negative() || price.is_zero(),
            "BR-27",
            line,
            "a price is not below zero; make the quantity negative",
        );
        let base = number(line, "Price/BaseQuantity").filter(|b| !b.is_zero()).unwrap_or(Decimal::ONE);
        let Some(gross) = quantity.checked_mul(price).and_then(|g| g.checked_div(base)) else {
            return self.find("PEPPOL-EN16931-R120", line, "the amounts are too large");
        };
        let expected = round(gross) + surcharge(line);
        let slack = Decimal::new(2, 2);
        if (expected - net).abs() > slack {
            self.find(
                "PEPPOL-EN16931-R120",
                line,
                format!("quantity × price less discount is {expected}, the line says {net}"),
            );
        }
    }

    fn totals(&mut self) {
        let root = self.root;
        let Some(total) = first(root, "LegalMonetaryTotal") else {
            return self.find("BR-13", root, "the document has no totals");
        };
        let or_zero = |name| number(total, name).unwrap_or_default();
        for name in ["LineExtensionAmount", "TaxExclusiveAmount", "TaxInclusiveAmount", "PayableAmount"] {
            self.require(
                amount(total, name).is_some(),
                "BR-DEC",
                total,
                &format!("{name} is missing, or has more than two decimals"),
            );
        }
        let lines: Decimal = self.document_lines().iter().filter_map(|l| number(*l, "LineExtensionAmount")).sum();
        let (mut off, mut on) = (Decimal::ZERO, Decimal::ZERO);
        for extra in all_of(root, "AllowanceCharge") {
            let sum = number(extra, "Amount").unwrap_or_default();
            if text(extra, "ChargeIndicator") == Some("true") { on += sum } else { off += sum }
        }
        let vat = document_vat(root);
        let equal = |expected: Decimal, found: Decimal| expected == found;
        let checks = [
            ("BR-CO-10", lines, or_zero("LineExtensionAmount"), "the sum of the lines"),
            ("BR-CO-11", off, or_zero("AllowanceTotalAmount"), "the sum of allowances"),
            ("BR-CO-12", on, or_zero("ChargeTotalAmount"), "the sum of charges"),
            (
                "BR-CO-13",
                or_zero("LineExtensionAmount") - or_zero("AllowanceTotalAmount") + or_zero("ChargeTotalAmount"),
                or_zero("TaxExclusiveAmount"),
                "the sum without VAT",
            ),
            ("BR-CO-15", or_zero("TaxExclusiveAmount") + vat, or_zero("TaxInclusiveAmount"), "the sum with VAT"),
            (
                "BR-CO-16",
                or_zero("TaxInclusiveAmount") - or_zero("PrepaidAmount") + or_zero("PayableRoundingAmount"),
                or_zero("PayableAmount"),
                "what is to be paid",
            ),
        ];
        for (rule, expected, found, what) in checks {
            if !equal(expected, found) {
                self.find(rule, total, format!("{what} is {expected}, the document says {found}"));
            }
        }
    }

    fn vat(&mut self) {
        let root = self.root;
        let Some(total) = at(root, "TaxTotal").into_iter().find(|t| all(*t, "TaxSubtotal").next().is_some()) else {
            return self.find("BR-CO-18", root, "the document has no VAT breakdown");
        };
        let groups = all_of(total, "TaxSubtotal");
        let sum: Decimal = groups.iter().filter_map(|g| number(*g, "TaxAmount")).sum();
        if number(total, "TaxAmount") != Some(sum) {
            self.find("BR-CO-14", total, format!("the groups' VAT is {sum}, the document says otherwise"));
        }
        let bases = self.bases();
        for group in groups {
            self.vat_group(group, &bases);
        }
        for line in self.document_lines() {
            let category = first(line, "Item/ClassifiedTaxCategory");
            if let Some(category) = category {
                self.rate_fits(category, text(category, "ID").unwrap_or_default());
            }
        }
    }

    /// Net per category and rate, of lines, allowances and charges.
    fn bases(&self) -> BTreeMap<(String, Decimal), Decimal> {
        let mut bases: BTreeMap<(String, Decimal), Decimal> = BTreeMap::new();
        let mut add = |category: Option<Node<'_, '_>>, sum: Decimal| {
            let Some(category) = category else { return };
            let key = (text(category, "ID").unwrap_or_default().to_owned(), rate(category));
            *bases.entry(key).or_default() += sum;
        };
        for line in self.document_lines() {
            let category = first(line, "Item/ClassifiedTaxCategory");
            add(category, number(line, "LineExtensionAmount").unwrap_or_default());
        }
        for extra in all_of(self.root, "AllowanceCharge") {
            let sum = number(extra, "Amount").unwrap_or_default();
            let signed = if text(extra, "ChargeIndicator") == Some("true") { sum } else { -sum };
            add(first(extra, "TaxCategory"), signed);
        }
        bases
    }

    fn rate_fits(&mut self, category: Node<'_, '_>, id: &str) {
        let rate = number(category, "Percent");
        match id {
            "S" => self.require(
                rate.is_some_and(|r| r > Decimal::ZERO),
                "BR-S-05",
                category,
                "the standard category has a rate above zero",
            ),
            "Z" => self.require(rate.is_some_and(|r| r.is_zero()), "BR-Z-05", category, "the zero category has rate 0"),
            "E" => self.require(rate.is_some_and(|r| r.is_zero()), "BR-E-05", category, "exempt sales have rate 0"),
            "AE" => self.require(rate.is_some_and(|r| r.is_zero()), "BR-AE-05", category, "reverse charge has rate 0"),
            "G" => self.require(rate.is_some_and(|r| r.is_zero()), "BR-G-05", category, "export has rate 0"),
            "O" => self.require(rate.is_none(), "BR-O-05", category, "sales outside VAT have no rate"),
            _ => {}
        }
    }

    fn vat_group(&mut self, group: Node<'_, '_>, bases: &BTreeMap<(String, Decimal), Decimal>) {
        let Some(category) = first(group, "TaxCategory") else {
            return self.find("BR-47", group, "the group has no VAT category");
        };
        let id = text(category, "ID").unwrap_or_default();
        let (base, vat) =
            (number(group, "TaxableAmount").unwrap_or_default(), number(group, "TaxAmount").unwrap_or_default());
        let reason = text(category, "TaxExemptionReason").or_else(|| text(category, "TaxExemptionReasonCode"));
        match id {
            "S" | "Z" => {
                let rule = if id == "S" { "BR-S-10" } else { "BR-Z-10" };
                self.require(reason.is_none(), rule, category, "taxed sales carry no reason for exemption");
            }
            "E" | "AE" | "G" | "O" | "K" => {
                let rule = match id {
                    "E" => "BR-E-10",
                    "AE" => "BR-AE-10",
                    "G" => "BR-G-10",
                    "O" => "BR-O-10",
                    _ => "BR-IC-10",
                };
                self.require(reason.is_some(), rule, category, "say why no VAT is charged");
            }
            _ => {}
        }
        let rate = rate(category);
        let expected = bases.get(&(id.to_owned(), rate)).copied().unwrap_or_default();
        let near = |a: Decimal, b: Decimal, slack: Decimal| (a - b).abs() < slack;
        if !near(expected, base, Decimal::ONE) {
            self.find("BR-S-08", group, format!("sales at {rate} % are {expected}, the group says {base}"));
        }
        if !near(round(base * rate / HUNDRED), vat, Decimal::ONE) {
            self.find("BR-CO-17", group, format!("{rate} % of {base} is not {vat}"));
        }
    }

    /// Sales outside VAT name no VAT number, and stand alone (BR-O-02, BR-O-11).
    fn outside_vat(&mut self) {
        let root = self.root;
        let ids: Vec<&str> =
            at(root, "TaxTotal/TaxSubtotal/TaxCategory").iter().filter_map(|c| text(*c, "ID")).collect();
        if !ids.contains(&"O") {
            return;
        }
        self.require(ids.len() == 1, "BR-O-11", root, "sales outside VAT cannot stand beside others");
        for side in ["AccountingSupplierParty/Party", "AccountingCustomerParty/Party"] {
            let Some(party) = first(root, side) else { continue };
            self.require(vat_number(party).is_none(), "BR-O-02", party, "a document outside VAT names no VAT number");
        }
    }

    fn is_norwegian(&self) -> bool {
        let Some(seller) = self.party("AccountingSupplierParty/Party") else { return false };
        vat_number(seller).map_or_else(
            || text(seller, "PostalAddress/Country/IdentificationCode") == Some("NO"),
            |n| n.starts_with("NO"),
        )
    }

    /// The rules for Norwegian sellers, and the gaps of the official ones.
    fn norwegian(&mut self) {
        let root = self.root;
        let Some(seller) = self.party("AccountingSupplierParty/Party") else { return };
        if let Some(number) = vat_number(seller) {
            let digits = number.strip_prefix("NO").and_then(|n| n.strip_suffix("MVA"));
            let ok = digits.is_some_and(|d| d.len() == 9 && OrgNumber::parse(d).is_ok());
            self.require(ok, "NO-R-001", seller, "a Norwegian VAT number is NO, the organisation number and MVA");
        }
        let taxed = root.descendants().any(|n| n.tag_name().name() == "TaxCategory" && text(n, "ID") == Some("S"));
        let identified = at(seller, "PartyTaxScheme").iter().any(|s| text(*s, "CompanyID").is_some());
        self.require(!taxed || identified, "BR-S-02", seller, "the seller charges VAT and states no VAT number");
        // Gap 1: Foretaksregisteret counts as a tax number in BR-S-02.
        let registered = vat_number(seller).is_some();
        self.require(
            !taxed || !identified || registered,
            "RESKONTRO-VAT-NUMBER",
            seller,
            "the seller charges VAT and states no VAT number",
        );
        self.exact_vat();
        self.payment();
        let credit = root.tag_name().name() == "CreditNote";
        let refers = text(root, "BillingReference/InvoiceDocumentReference/ID").is_some();
        self.require(
            !credit || refers,
            "RESKONTRO-CREDITED",
            root,
            "a credit note names the invoice it corrects (bokføringsforskriften § 5-2-7)",
        );
        for quantity in root.descendants().filter(|n| n.attribute("unitCode") == Some("STK")) {
            self.find("RESKONTRO-UNIT", quantity, "STK means stick; a piece is H87 or EA");
        }
    }

    /// Gaps 2 and 3: VAT to the øre, and groups that add up. A credit note may be an øre off: with those before it, it
    /// gives exactly the invoice.
    fn exact_vat(&mut self) {
        let root = self.root;
        let slack = if root.tag_name().name() == "CreditNote" { Decimal::new(1, 2) } else { Decimal::ZERO };
        let bases = self.bases();
        let mut sum = Decimal::ZERO;
        for group in at(root, "TaxTotal/TaxSubtotal") {
            let (base, vat) =
                (number(group, "TaxableAmount").unwrap_or_default(), number(group, "TaxAmount").unwrap_or_default());
            sum += base;
            let Some(category) = first(group, "TaxCategory") else { continue };
            let rate = rate(category);
            let expected =
                bases.get(&(text(category, "ID").unwrap_or_default().to_owned(), rate)).copied().unwrap_or_default();
            let exact = expected == base && (round(base * rate / HUNDRED) - vat).abs() <= slack;
            self.require(exact, "RESKONTRO-VAT-EXACT", group, "base or VAT of the group is not exact");
        }
        let without_vat = number(root, "LegalMonetaryTotal/TaxExclusiveAmount").unwrap_or_default();
        self.require(
            sum == without_vat,
            "RESKONTRO-VAT-GROUPS",
            root,
            "the VAT groups do not add up to the sum without VAT",
        );
    }

    /// Gap 5: KID and account.
    fn payment(&mut self) {
        for means in at(self.root, "PaymentMeans") {
            if let Some(id) = text(means, "PaymentID") {
                let valid = kid::is_valid(id, kid::Modulus::Mod10) || kid::is_valid(id, kid::Modulus::Mod11);
                let kid_like = id.bytes().all(|b| b.is_ascii_digit() || b == b'-');
                self.require(valid || !kid_like, "RESKONTRO-KID", means, "the KID has a wrong control character");
            }
            let Some(account) = text(means, "PayeeFinancialAccount/ID") else { continue };
            let plain = match account.strip_prefix("NO") {
                Some(rest) if rest.len() == 13 => {
                    AccountNumber::parse(&rest[2..]).is_ok_and(|a| a.iban().replace(' ', "") == account)
                }
                Some(_) => false,
                None => !account.bytes().all(|b| b.is_ascii_digit()) || AccountNumber::parse(account).is_ok(),
            };
            self.require(plain, "RESKONTRO-ACCOUNT", means, "the account number or IBAN has a wrong control digit");
        }
    }
}

fn all_of<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Vec<Node<'a, 'i>> {
    node.children().filter(|c| c.is_element() && c.tag_name().name() == name).collect()
}

fn round(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// The rate of a category; none counts as zero.
fn rate(category: Node<'_, '_>) -> Decimal {
    number(category, "Percent").unwrap_or_default().normalize()
}

/// What the line's own allowances and charges add.
fn surcharge(line: Node<'_, '_>) -> Decimal {
    all(line, "AllowanceCharge")
        .map(|extra| {
            let sum = number(extra, "Amount").unwrap_or_default();
            if text(extra, "ChargeIndicator") == Some("true") { sum } else { -sum }
        })
        .sum()
}

/// VAT in the currency of the document.
fn document_vat(root: Node<'_, '_>) -> Decimal {
    let currency = text(root, "DocumentCurrencyCode");
    let amounts = at(root, "TaxTotal/TaxAmount");
    let own = amounts.iter().find(|a| a.attribute("currencyID") == currency);
    own.and_then(Node::text).and_then(|t| Decimal::from_str_exact(t.trim()).ok()).unwrap_or_default()
}

/// The party's VAT number.
fn vat_number<'a>(party: Node<'a, '_>) -> Option<&'a str> {
    all_of(party, "PartyTaxScheme")
        .into_iter()
        .find(|s| text(*s, "TaxScheme/ID") == Some("VAT"))
        .and_then(|s| s.children().find(|c| c.tag_name().name() == "CompanyID").and_then(|c| c.text()).map(str::trim))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            let _ = check(&bytes);
        }
    }

    #[test]
    fn a_document_type_definition_is_refused() {
        let bomb = b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>";
        assert_eq!(check(bomb)[0].rule, "XML");
    }
}
