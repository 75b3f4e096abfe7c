//! The customer ledger: transfers between account roles, balanced by construction (I1, decision 4).

use crate::money::Money;
use serde::{Deserialize, Serialize};

/// What an account is for. Each role, with its code, is mapped to a general-ledger number by the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What customers owe.
    Receivable,
    /// Sales, one account per VAT code.
    Revenue,
    /// VAT to pay, one account per rate.
    OutputVat,
    /// Money in the bank, one account per bank account.
    Bank,
    /// Money received and not yet placed on a claim.
    Unallocated,
    /// Reminder and collection fees.
    Fee,
    /// Late interest.
    Interest,
    /// Written-off claims.
    Loss,
    /// Small differences.
    Rounding,
    /// Balances brought in from another system, or carried when a year expires.
    Carried,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Self] = &[
        Self::Receivable,
        Self::Revenue,
        Self::OutputVat,
        Self::Bank,
        Self::Unallocated,
        Self::Fee,
        Self::Interest,
        Self::Loss,
        Self::Rounding,
        Self::Carried,
    ];

    /// Stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receivable => "receivable",
            Self::Revenue => "revenue",
            Self::OutputVat => "output_vat",
            Self::Bank => "bank",
            Self::Unallocated => "unallocated",
            Self::Fee => "fee",
            Self::Interest => "interest",
            Self::Loss => "loss",
            Self::Rounding => "rounding",
            Self::Carried => "carried",
        }
    }

    /// From its stored name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|r| r.as_str() == text)
    }
}

/// A role and, where it has several accounts, which of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    /// The role.
    pub role: Role,
    /// VAT code, rate or bank account number; empty where the role has one account.
    pub code: String,
}

impl Account {
    /// The only account of a role.
    pub const fn of(role: Role) -> Self {
        Self { role, code: String::new() }
    }

    /// One of several accounts of a role.
    pub fn with(role: Role, code: impl Into<String>) -> Self {
        Self { role, code: code.into() }
    }
}

/// One row of the ledger: a positive amount moved from `credit` to `debit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    debit: Account,
    credit: Account,
    amount: Money,
}

impl Transfer {
    /// Moves `amount`; a negative amount goes the other way, nothing moves nothing.
    pub fn new(debit: Account, credit: Account, amount: Money) -> Option<Self> {
        match amount.ore() {
            0 => None,
            1.. => Some(Self { debit, credit, amount }),
            _ => Some(Self { debit: credit, credit: debit, amount: -amount }),
        }
    }

    /// The account that is debited.
    pub const fn debit(&self) -> &Account {
        &self.debit
    }

    /// The account that is credited.
    pub const fn credit(&self) -> &Account {
        &self.credit
    }

    /// The amount, above zero.
    pub const fn amount(&self) -> Money {
        self.amount
    }

    /// The same amount back again.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { debit: self.credit, credit: self.debit, amount: self.amount }
    }

    /// What the transfer adds to the customer's balance: receivable and unallocated money, debit positive.
    pub fn customer_effect(&self) -> Money {
        let of = |account: &Account| matches!(account.role, Role::Receivable | Role::Unallocated);
        let debit = if of(&self.debit) { self.amount } else { Money::ZERO };
        let credit = if of(&self.credit) { self.amount } else { Money::ZERO };
        debit - credit
    }
}

/// What an issued invoice moves: one transfer per revenue account and one per VAT rate. A credit note passes
/// negative amounts.
pub fn invoice_transfers(sales: &[(String, Money)], vat: &[(String, Money)]) -> Vec<Transfer> {
    let receivable = || Account::of(Role::Receivable);
    let revenue = sales
        .iter()
        .filter_map(|(code, net)| Transfer::new(receivable(), Account::with(Role::Revenue, code.as_str()), *net));
    let output = vat.iter().filter_map(|(rate, amount)| {
        Transfer::new(receivable(), Account::with(Role::OutputVat, rate.as_str()), *amount)
    });
    revenue.chain(output).collect()
}

/// The general-ledger number an account has until the organisation maps it otherwise (NS 4102).
pub fn default_gl_number(account: &Account) -> &'static str {
    match (account.role, account.code.as_str()) {
        (Role::Receivable, _) => "1500",
        (Role::Revenue, "5" | "51" | "52") => "3100",
        (Role::Revenue, "6" | "7") => "3200",
        (Role::Revenue, _) => "3000",
        (Role::OutputVat, "15") => "2701",
        (Role::OutputVat, "12") => "2702",
        (Role::OutputVat, "11.11") => "2703",
        (Role::OutputVat, _) => "2700",
        (Role::Bank, _) => "1920",
        (Role::Unallocated, _) => "2900",
        (Role::Fee, _) => "3900",
        (Role::Interest, _) => "8055",
        (Role::Loss, _) => "7830",
        (Role::Rounding, _) => "7745",
        (Role::Carried, _) => "1599",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invoice_debits_the_customer_with_its_total() {
        let transfers = invoice_transfers(
            &[("31".into(), Money::from_ore(147_600)), ("3".into(), Money::from_ore(10_900))],
            &[("15".into(), Money::from_ore(22_140)), ("25".into(), Money::from_ore(2_725))],
        );
        let total: Money = transfers.iter().map(Transfer::customer_effect).sum();
        assert_eq!(total, Money::from_ore(183_365));
        assert!(transfers.iter().all(|t| t.amount().is_positive()));
    }

    #[test]
    fn a_negative_amount_is_the_swapped_row() {
        let forth = Transfer::new(Account::of(Role::Receivable), Account::of(Role::Bank), Money::from_ore(-5)).unwrap();
        assert_eq!(forth.debit().role, Role::Bank);
        assert_eq!(forth.amount(), Money::from_ore(5));
        assert_eq!(forth.customer_effect(), Money::from_ore(-5));
        assert_eq!(forth.reversed().customer_effect(), Money::from_ore(5));
        assert_eq!(Transfer::new(Account::of(Role::Bank), Account::of(Role::Loss), Money::ZERO), None);
    }

    proptest::proptest! {
        #[test]
        fn reversing_takes_back_exactly(ore in -1_000_000_000i64..1_000_000_000) {
            if let Some(t) = Transfer::new(Account::of(Role::Receivable), Account::of(Role::Revenue), Money::from_ore(ore)) {
                let back = t.clone().reversed();
                proptest::prop_assert!((t.customer_effect() + back.customer_effect()).is_zero());
            }
        }
    }
}
