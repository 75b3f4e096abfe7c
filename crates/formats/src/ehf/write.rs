//! The document as UBL. Elements stand in the order of the schema; none is written empty.

use super::{CUSTOMIZATION, PROFILE};
use base64::Engine;
use domain::invoice::{Address, Buyer, Document, Kind, Line, Seller, VatGroup};
use domain::money::{Micro, Money, line_net};
use domain::vat::{Category, Vat};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// Why a document cannot go as EHF.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EhfError {
    /// Both parties are found by their organisation numbers.
    #[error("{party} has no organisation number; EHF finds its receiver by it")]
    NoOrgNumber {
        /// `seller` or `buyer`.
        party: &'static str,
    },
    /// An amount does not fit.
    #[error("line {line}: the amount is too large")]
    TooLarge {
        /// Line counted from 1.
        line: usize,
    },
    /// The writer failed.
    #[error("the document could not be written: {0}")]
    Xml(String),
}

impl From<std::io::Error> for EhfError {
    fn from(error: std::io::Error) -> Self {
        Self::Xml(error.to_string())
    }
}

type Done = Result<(), EhfError>;

/// The XML being written.
struct Out(Writer<Vec<u8>>);

/// Whether XML 1.0, section 2.2, takes the character, and anybody could mean it.
fn is_char(c: char) -> bool {
    matches!(c, '\n' | '\t') || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

impl Out {
    fn event(&mut self, event: Event<'_>) -> Done {
        Ok(self.0.write_event(event)?)
    }

    /// An element with text; one without text is left out (PEPPOL-EN16931-R008).
    fn leaf(&mut self, name: &str, text: &str) -> Done {
        self.leaf_with(name, &[], text)
    }

    fn leaf_with(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) -> Done {
        let text: String = text.chars().filter(|c| is_char(*c)).collect();
        if text.trim().is_empty() {
            return Ok(());
        }
        self.escaped(name, attributes, BytesText::new(text.trim()))
    }

    fn escaped(&mut self, name: &str, attributes: &[(&str, &str)], text: BytesText<'_>) -> Done {
        let start = BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.event(Event::Start(start))?;
        self.event(Event::Text(text))?;
        self.event(Event::End(BytesEnd::new(name)))
    }

    fn optional(&mut self, name: &str, text: Option<&str>) -> Done {
        text.map_or(Ok(()), |t| self.leaf(name, t))
    }

    fn amount(&mut self, name: &str, amount: Money) -> Done {
        self.leaf_with(name, &[("currencyID", "NOK")], &amount.to_plain_string())
    }

    fn group(&mut self, name: &str, inside: impl FnOnce(&mut Self) -> Done) -> Done {
        self.event(Event::Start(BytesStart::new(name)))?;
        inside(self)?;
        self.event(Event::End(BytesEnd::new(name)))
    }
}

/// Writes a document, with its PDF inside when one is given. The same document gives the same bytes.
pub fn write(doc: &Document, pdf: Option<&[u8]>) -> Result<Vec<u8>, EhfError> {
    let mut out = Out(Writer::new_with_indent(Vec::with_capacity(16 * 1024), b' ', 2));
    out.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = if doc.kind == Kind::Invoice { "Invoice" } else { "CreditNote" };
    let common = "urn:oasis:names:specification:ubl:schema:xsd:";
    let namespaces = [
        ("xmlns", format!("{common}{root}-2")),
        ("xmlns:cac", format!("{common}CommonAggregateComponents-2")),
        ("xmlns:cbc", format!("{common}CommonBasicComponents-2")),
    ];
    let start = BytesStart::new(root).with_attributes(namespaces.iter().map(|(k, v)| (*k, v.as_str())));
    out.event(Event::Start(start))?;
    head(&mut out, doc)?;
    references(&mut out, doc, pdf)?;
    out.group("cac:AccountingSupplierParty", |o| o.group("cac:Party", |o| seller(o, &doc.seller)))?;
    out.group("cac:AccountingCustomerParty", |o| o.group("cac:Party", |o| buyer(o, &doc.buyer)))?;
    delivery(&mut out, doc)?;
    if doc.kind == Kind::Invoice {
        payment(&mut out, doc)?;
    }
    totals(&mut out, doc)?;
    for (number, l) in (1..).zip(&doc.lines) {
        line(&mut out, doc.kind, number, l)?;
    }
    out.event(Event::End(BytesEnd::new(root)))?;
    Ok(out.0.into_inner())
}

fn head(out: &mut Out, doc: &Document) -> Done {
    out.leaf("cbc:CustomizationID", CUSTOMIZATION)?;
    out.leaf("cbc:ProfileID", PROFILE)?;
    out.leaf("cbc:ID", &doc.number.to_string())?;
    out.leaf("cbc:IssueDate", &doc.issued_on.to_string())?;
    if doc.kind == Kind::Invoice {
        out.optional("cbc:DueDate", doc.due_on.map(|d| d.to_string()).as_deref())?;
        out.leaf("cbc:InvoiceTypeCode", "380")?;
    } else {
        out.leaf("cbc:CreditNoteTypeCode", "381")?;
    }
    out.optional("cbc:Note", doc.note.as_deref())?;
    out.leaf("cbc:DocumentCurrencyCode", "NOK")?;
    let buyer = &doc.buyer;
    let reference = buyer.reference.as_deref().filter(|r| !r.trim().is_empty());
    let order = buyer.order_number.as_deref().filter(|o| !o.trim().is_empty());
    // One of the two must be there (PEPPOL-EN16931-R003); the customer knows its own number.
    let reference = reference.or_else(|| order.is_none().then_some(buyer.number.as_str()));
    out.optional("cbc:BuyerReference", reference)?;
    if let Some(to) = doc.delivered_to {
        out.group("cac:InvoicePeriod", |o| {
            o.leaf("cbc:StartDate", &doc.delivered_from.to_string())?;
            o.leaf("cbc:EndDate", &to.to_string())
        })?;
    }
    match order {
        Some(order) => out.group("cac:OrderReference", |o| o.leaf("cbc:ID", order)),
        None => Ok(()),
    }
}

fn references(out: &mut Out, doc: &Document, pdf: Option<&[u8]>) -> Done {
    if let Some(credited) = &doc.credits {
        out.group("cac:BillingReference", |o| {
            o.group("cac:InvoiceDocumentReference", |o| {
                o.leaf("cbc:ID", &credited.number.to_string())?;
                o.leaf("cbc:IssueDate", &credited.issued_on.to_string())
            })
        })?;
    }
    let Some(pdf) = pdf else { return Ok(()) };
    let (word, title) =
        if doc.kind == Kind::Invoice { ("faktura", "Faktura som PDF") } else { ("kreditnota", "Kreditnota som PDF") };
    out.group("cac:AdditionalDocumentReference", |o| {
        o.leaf("cbc:ID", &doc.number.to_string())?;
        o.leaf("cbc:DocumentDescription", title)?;
        o.group("cac:Attachment", |o| {
            let name = format!("{word}-{}.pdf", doc.number);
            let attributes = [("mimeCode", "application/pdf"), ("filename", name.as_str())];
            let content = base64::engine::general_purpose::STANDARD.encode(pdf);
            // Base64 has nothing to escape.
            o.escaped("cbc:EmbeddedDocumentBinaryObject", &attributes, BytesText::from_escaped(content))
        })
    })
}

fn address(out: &mut Out, address: &Address) -> Done {
    out.group("cac:PostalAddress", |o| {
        o.optional("cbc:StreetName", address.street.as_deref())?;
        o.optional("cbc:AdditionalStreetName", address.street2.as_deref())?;
        o.optional("cbc:CityName", address.city.as_deref())?;
        o.optional("cbc:PostalZone", address.postal_code.as_deref())?;
        o.group("cac:Country", |o| o.leaf("cbc:IdentificationCode", &address.country))
    })
}

fn tax_scheme(out: &mut Out, company: &str, scheme: &str) -> Done {
    out.group("cac:PartyTaxScheme", |o| {
        o.leaf("cbc:CompanyID", company)?;
        o.group("cac:TaxScheme", |o| o.leaf("cbc:ID", scheme))
    })
}

const NORWEGIAN: [(&str, &str); 1] = [("schemeID", "0192")];

fn legal_entity(out: &mut Out, name: &str, number: &str) -> Done {
    out.group("cac:PartyLegalEntity", |o| {
        o.leaf("cbc:RegistrationName", name)?;
        o.leaf_with("cbc:CompanyID", &NORWEGIAN, number)
    })
}

fn seller(out: &mut Out, seller: &Seller) -> Done {
    let number = seller.org_number.as_ref().ok_or(EhfError::NoOrgNumber { party: "seller" })?.as_str();
    out.leaf_with("cbc:EndpointID", &NORWEGIAN, number)?;
    out.group("cac:PartyName", |o| o.leaf("cbc:Name", &seller.name))?;
    address(out, &seller.address)?;
    if seller.vat_registered {
        tax_scheme(out, &format!("NO{number}MVA"), "VAT")?;
    }
    if seller.in_business_register {
        // NO-R-002, foretaksregisterloven § 10-2.
        tax_scheme(out, "Foretaksregisteret", "TAX")?;
    }
    legal_entity(out, &seller.name, number)?;
    if seller.email.is_none() && seller.phone.is_none() {
        return Ok(());
    }
    out.group("cac:Contact", |o| {
        o.optional("cbc:Telephone", seller.phone.as_deref())?;
        o.optional("cbc:ElectronicMail", seller.email.as_deref())
    })
}

fn buyer(out: &mut Out, buyer: &Buyer) -> Done {
    let number = buyer.org_number.as_ref().ok_or(EhfError::NoOrgNumber { party: "buyer" })?.as_str();
    out.leaf_with("cbc:EndpointID", &NORWEGIAN, number)?;
    out.group("cac:PartyIdentification", |o| o.leaf("cbc:ID", &buyer.number))?;
    address(out, &buyer.address)?;
    legal_entity(out, &buyer.name, number)
}

fn delivery(out: &mut Out, doc: &Document) -> Done {
    let place = doc.delivery_place.as_deref().filter(|p| !p.trim().is_empty());
    if doc.delivered_to.is_some() && place.is_none() {
        return Ok(());
    }
    out.group("cac:Delivery", |o| {
        if doc.delivered_to.is_none() {
            o.leaf("cbc:ActualDeliveryDate", &doc.delivered_from.to_string())?;
        }
        let Some(place) = place else { return Ok(()) };
        o.group("cac:DeliveryLocation", |o| {
            o.group("cac:Address", |o| {
                o.leaf("cbc:CityName", place)?;
                o.group("cac:Country", |o| o.leaf("cbc:IdentificationCode", &doc.seller.address.country))
            })
        })
    })
}

fn payment(out: &mut Out, doc: &Document) -> Done {
    out.group("cac:PaymentMeans", |o| {
        o.leaf("cbc:PaymentMeansCode", "30")?;
        o.optional("cbc:PaymentID", doc.kid.as_deref())?;
        o.group("cac:PayeeFinancialAccount", |o| o.leaf("cbc:ID", &doc.seller.account.iban().replace(' ', "")))
    })
}

fn totals(out: &mut Out, doc: &Document) -> Done {
    let t = &doc.totals;
    out.group("cac:TaxTotal", |o| {
        o.amount("cbc:TaxAmount", t.vat)?;
        t.groups.iter().try_for_each(|g| subtotal(o, g))
    })?;
    out.group("cac:LegalMonetaryTotal", |o| {
        o.amount("cbc:LineExtensionAmount", t.net)?;
        o.amount("cbc:TaxExclusiveAmount", t.net)?;
        o.amount("cbc:TaxInclusiveAmount", t.total)?;
        o.amount("cbc:PayableAmount", t.total)
    })
}

fn subtotal(out: &mut Out, group: &VatGroup) -> Done {
    out.group("cac:TaxSubtotal", |o| {
        o.amount("cbc:TaxableAmount", group.basis)?;
        o.amount("cbc:TaxAmount", group.vat)?;
        let silent = matches!(group.category, Category::S | Category::Z);
        category(o, "cac:TaxCategory", group.category, group.rate, group.reason.as_deref().filter(|_| !silent))
    })
}

fn category(out: &mut Out, name: &str, category: Category, rate: Micro, reason: Option<&str>) -> Done {
    out.group(name, |o| {
        o.leaf("cbc:ID", category.as_str())?;
        if category != Category::O {
            o.leaf("cbc:Percent", &rate.to_string())?;
        }
        o.optional("cbc:TaxExemptionReason", reason)?;
        o.group("cac:TaxScheme", |o| o.leaf("cbc:ID", "VAT"))
    })
}

fn line(out: &mut Out, kind: Kind, number: usize, line: &Line) -> Done {
    let (name, counted) = match kind {
        Kind::Invoice => ("cac:InvoiceLine", "cbc:InvoicedQuantity"),
        Kind::CreditNote => ("cac:CreditNoteLine", "cbc:CreditedQuantity"),
    };
    let input = &line.input;
    // A price below zero is not allowed (BR-27): the quantity carries the sign.
    let flip = input.unit_price < Micro::ZERO;
    let signed = |m: Micro| if flip { Micro::from_micro(-m.micro()) } else { m };
    let (quantity, price) = (signed(input.quantity), signed(input.unit_price));
    let gross = line_net(quantity, price, Micro::ZERO).ok_or(EhfError::TooLarge { line: number })?;
    out.group(name, |o| {
        o.leaf("cbc:ID", &number.to_string())?;
        o.leaf_with(counted, &[("unitCode", &input.unit)], &quantity.to_string())?;
        o.amount("cbc:LineExtensionAmount", line.net)?;
        discount(o, gross - line.net)?;
        o.group("cac:Item", |o| {
            o.leaf("cbc:Name", &input.description)?;
            if let Some(product) = &input.product {
                o.group("cac:SellersItemIdentification", |o| o.leaf("cbc:ID", product))?;
            }
            let Vat { category: code, rate, .. } = &input.vat;
            category(o, "cac:ClassifiedTaxCategory", *code, *rate, None)
        })?;
        o.group("cac:Price", |o| o.leaf_with("cbc:PriceAmount", &[("currencyID", "NOK")], &price.to_string()))
    })
}

/// What quantity × price is above the line: a discount, or on a line below zero its taking back.
fn discount(out: &mut Out, amount: Money) -> Done {
    if amount.is_zero() {
        return Ok(());
    }
    let charge = amount < Money::ZERO;
    let (indicator, code) = if charge { ("true", "ZZZ") } else { ("false", "95") };
    out.group("cac:AllowanceCharge", |o| {
        o.leaf("cbc:ChargeIndicator", indicator)?;
        o.leaf("cbc:AllowanceChargeReasonCode", code)?;
        o.leaf("cbc:AllowanceChargeReason", "Rabatt")?;
        o.amount("cbc:Amount", if charge { -amount } else { amount })
    })
}
