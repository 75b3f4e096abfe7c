//! Credit notes: all or part of an invoice taken back, never above what remains per VAT group.

use crate::invoice::{Line, PriceError, Totals, total};
use crate::money::{Micro, Money, percent_of};
use crate::vat::Category;

/// What has been credited of one VAT group so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreditedGroup {
    /// EN 16931 category.
    pub category: Category,
    /// Rate in percent.
    pub rate: Micro,
    /// Net credited before.
    pub basis: Money,
    /// VAT credited before.
    pub vat: Money,
}

/// Why an invoice cannot be credited so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreditError {
    /// More than what is left of a rate.
    #[error("only {remaining} kr without VAT remain to be credited at {rate} %")]
    AboveRemaining {
        /// The rate.
        rate: Micro,
        /// What may still be credited.
        remaining: Money,
    },
    /// The invoice has no such rate.
    #[error("the invoice has no sales at {rate} %")]
    NoSuchRate {
        /// The rate.
        rate: Micro,
    },
    /// Nothing is left or nothing was asked for.
    #[error("nothing remains to be credited")]
    Nothing,
    /// The lines cannot be priced.
    #[error(transparent)]
    Price(#[from] PriceError),
}

/// Totals of a credit note over `lines` (positive amounts), given what was credited before.
///
/// VAT per group = round(all net credited × rate) − VAT already credited, so that crediting everything, in however
/// many parts, gives exactly the invoice (decision 8).
pub fn credit_totals(invoice: &Totals, before: &[CreditedGroup], lines: &[Line]) -> Result<Totals, CreditError> {
    let mut totals = total(lines)?;
    if totals.net.is_zero() && totals.vat.is_zero() {
        return Err(CreditError::Nothing);
    }
    for group in &mut totals.groups {
        let rate = group.rate;
        let original = invoice
            .groups
            .iter()
            .find(|g| g.category == group.category && g.rate == rate)
            .ok_or(CreditError::NoSuchRate { rate })?;
        let earlier = before.iter().filter(|g| g.category == group.category && g.rate == rate);
        let (basis, vat) = earlier.fold((Money::ZERO, Money::ZERO), |(b, v), g| (b + g.basis, v + g.vat));
        let remaining = original.basis - basis;
        if group.basis.ore().signum() * original.basis.ore().signum() < 0
            || group.basis.ore().abs() > remaining.ore().abs()
        {
            return Err(CreditError::AboveRemaining { rate, remaining });
        }
        let cumulative = percent_of(basis + group.basis, rate).ok_or(PriceError::TooLarge { line: lines.len() })?;
        group.vat = cumulative - vat;
    }
    totals.vat = totals.groups.iter().map(|g| g.vat).sum();
    totals.total = totals.net + totals.vat;
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invoice::price;
    use crate::invoice::tests::line;

    fn credited(totals: &Totals) -> Vec<CreditedGroup> {
        totals
            .groups
            .iter()
            .map(|g| CreditedGroup { category: g.category, rate: g.rate, basis: g.basis, vat: g.vat })
            .collect()
    }

    #[test]
    fn more_than_remains_is_refused_with_what_remains() {
        let invoice = total(&price(vec![line("100", 25)]).unwrap()).unwrap();
        let first = credit_totals(&invoice, &[], &price(vec![line("60", 25)]).unwrap()).unwrap();
        let again = credit_totals(&invoice, &credited(&first), &price(vec![line("60", 25)]).unwrap());
        assert_eq!(
            again,
            Err(CreditError::AboveRemaining { rate: Micro::whole(25), remaining: Money::from_ore(4_000) })
        );
    }

    #[test]
    fn a_rate_the_invoice_lacks_is_refused() {
        let invoice = total(&price(vec![line("100", 25)]).unwrap()).unwrap();
        let other = credit_totals(&invoice, &[], &price(vec![line("1", 15)]).unwrap());
        assert_eq!(other, Err(CreditError::NoSuchRate { rate: Micro::whole(15) }));
    }

    proptest::proptest! {
        #[test]
        fn crediting_in_parts_gives_exactly_the_invoice(parts in proptest::collection::vec(1i64..99_999, 1..12)) {
            let whole: i64 = parts.iter().sum();
            let mut all = line("0", 25);
            all.unit_price = Micro::from_micro(whole * 10_000);
            let invoice = total(&price(vec![all]).unwrap()).unwrap();
            let mut before = Vec::new();
            let mut sum = Money::ZERO;
            for part in parts {
                let mut l = line("0", 25);
                l.unit_price = Micro::from_micro(part * 10_000);
                let t = credit_totals(&invoice, &before, &price(vec![l]).unwrap()).unwrap();
                before.extend(credited(&t));
                sum = sum + t.total;
            }
            proptest::prop_assert_eq!(sum, invoice.total);
        }
    }
}
