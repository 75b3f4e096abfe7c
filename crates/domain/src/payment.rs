//! Placing money on claims: which claim a payment belongs to, in what order it is used up, and why.

use crate::money::Money;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What part of a claim an open item is. Money covers costs, then interest, then principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemClass {
    /// Reminder and collection fees.
    Cost,
    /// Late interest.
    Interest,
    /// The invoice itself.
    Principal,
}

impl ItemClass {
    /// Stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Interest => "interest",
            Self::Principal => "principal",
        }
    }

    /// From its stored name; anything else is principal.
    pub fn parse(text: &str) -> Self {
        match text {
            "cost" => Self::Cost,
            "interest" => Self::Interest,
            _ => Self::Principal,
        }
    }
}

/// What is left of a claim or of an addition to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenItem {
    /// The item.
    pub id: Uuid,
    /// The claim it belongs to.
    pub claim: Uuid,
    /// Due date of the claim.
    pub due_on: NaiveDate,
    /// Cost, interest or principal.
    pub class: ItemClass,
    /// What is left, above zero.
    pub remaining: Money,
}

/// Money placed on one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The item.
    pub item: Uuid,
    /// The claim it belongs to.
    pub claim: Uuid,
    /// How much.
    pub amount: Money,
}

/// A received amount split over open items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// Where it went.
    pub parts: Vec<Part>,
    /// What was left over.
    pub unallocated: Money,
}

/// Splits a received amount over open items: oldest claim first, and within a claim costs, interest, principal
/// (glossary: dekningsrekkefølge).
///
/// Never places more than `received`, nor more on an item than is left of it.
pub fn allocate(received: Money, open: &[OpenItem]) -> Allocation {
    let mut items: Vec<&OpenItem> = open.iter().filter(|i| i.remaining.is_positive()).collect();
    items.sort_by_key(|i| (i.due_on, i.claim, i.class, i.id));
    let mut left = if received.is_positive() { received } else { Money::ZERO };
    let mut parts = Vec::new();
    for item in items {
        let amount = left.min(item.remaining);
        if amount.is_positive() {
            parts.push(Part { item: item.id, claim: item.claim, amount });
            left = left - amount;
        }
    }
    let placed = parts.iter().map(|p| p.amount).sum();
    Allocation { parts, unallocated: received - placed }
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// All of it is placed on claims.
    Matched,
    /// Some is placed, the rest waits for a decision.
    PartlyMatched,
    /// Nothing is placed; a person decides.
    Unmatched,
    /// Wholly paid back.
    Refunded,
    /// Taken back: it should never have been registered.
    Reversed,
}

impl PaymentState {
    /// Stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::PartlyMatched => "partly_matched",
            Self::Unmatched => "unmatched",
            Self::Refunded => "refunded",
            Self::Reversed => "reversed",
        }
    }

    /// The state of a payment by what is still unplaced of it.
    pub fn of(amount: Money, unallocated: Money) -> Self {
        if unallocated.is_zero() {
            Self::Matched
        } else if unallocated == amount {
            Self::Unmatched
        } else {
            Self::PartlyMatched
        }
    }
}

/// Why a payment was placed as it was, or why it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The KID is one claim's, and the amount is what was left of it.
    KidExact,
    /// The KID is one claim's; less than was left.
    KidPart,
    /// The KID is one claim's; more than was left, the rest waits.
    KidOver,
    /// The KID is a claim that was paid already.
    PaidTwice,
    /// The KID is a customer's: oldest claim first.
    KidCustomer,
    /// Nobody was given this KID.
    UnknownKid,
    /// No KID was stated.
    NoKid,
    /// A negative amount; a person decides.
    Negative,
    /// Card terminal information, not an account credit.
    TerminalInformation,
    /// Repeats a payment of another file.
    SuspectedDuplicate,
    /// A person placed it.
    Manual,
}

impl Reason {
    /// Stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KidExact => "kid_exact",
            Self::KidPart => "kid_part",
            Self::KidOver => "kid_over",
            Self::PaidTwice => "paid_twice",
            Self::KidCustomer => "kid_customer",
            Self::UnknownKid => "unknown_kid",
            Self::NoKid => "no_kid",
            Self::Negative => "negative",
            Self::TerminalInformation => "terminal_information",
            Self::SuspectedDuplicate => "suspected_duplicate",
            Self::Manual => "manual",
        }
    }
}

/// What the KID register says of a KID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KidTarget {
    /// One claim.
    Claim,
    /// A customer, by an imported KID.
    Customer,
}

/// What is known of an incoming payment before it is placed.
#[derive(Debug, Clone)]
pub struct Incoming<'a> {
    /// Signed amount.
    pub amount: Money,
    /// KID as stated, trimmed.
    pub kid: &'a str,
    /// Transaction type 18 to 21.
    pub terminal_information: bool,
    /// Repeats a payment of another file.
    pub suspected_duplicate: bool,
    /// What the register says of the KID.
    pub target: Option<KidTarget>,
}

/// Places a payment, or says why it waits. Nothing that arrived is ever refused (I6).
pub fn place(incoming: &Incoming<'_>, open: &[OpenItem]) -> (Reason, Allocation) {
    let waits = |reason| (reason, Allocation { parts: Vec::new(), unallocated: incoming.amount });
    if incoming.terminal_information {
        return waits(Reason::TerminalInformation);
    }
    if incoming.suspected_duplicate {
        return waits(Reason::SuspectedDuplicate);
    }
    if !incoming.amount.is_positive() {
        return waits(Reason::Negative);
    }
    let Some(target) = incoming.target else {
        return waits(if incoming.kid.is_empty() { Reason::NoKid } else { Reason::UnknownKid });
    };
    let due: Money = open.iter().map(|i| i.remaining).sum();
    let allocation = allocate(incoming.amount, open);
    let reason = match target {
        _ if allocation.parts.is_empty() => Reason::PaidTwice,
        KidTarget::Customer => Reason::KidCustomer,
        KidTarget::Claim if incoming.amount == due => Reason::KidExact,
        KidTarget::Claim if incoming.amount < due => Reason::KidPart,
        KidTarget::Claim => Reason::KidOver,
    };
    (reason, allocation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(n: u128, claim: u128, day: u32, class: ItemClass, ore: i64) -> OpenItem {
        OpenItem {
            id: Uuid::from_u128(n),
            claim: Uuid::from_u128(claim),
            due_on: NaiveDate::from_ymd_opt(2026, 11, day).unwrap(),
            class,
            remaining: Money::from_ore(ore),
        }
    }

    fn incoming(ore: i64, target: Option<KidTarget>) -> Incoming<'static> {
        Incoming {
            amount: Money::from_ore(ore),
            kid: "123",
            terminal_information: false,
            suspected_duplicate: false,
            target,
        }
    }

    #[test]
    fn costs_then_interest_then_principal_oldest_claim_first() {
        let open = [
            item(1, 9, 20, ItemClass::Principal, 100),
            item(2, 8, 10, ItemClass::Principal, 100),
            item(3, 8, 10, ItemClass::Interest, 10),
            item(4, 8, 10, ItemClass::Cost, 38),
        ];
        let a = allocate(Money::from_ore(150), &open);
        let order: Vec<(u128, i64)> = a.parts.iter().map(|p| (p.item.as_u128(), p.amount.ore())).collect();
        assert_eq!(order, [(4, 38), (3, 10), (2, 100), (1, 2)]);
        assert!(a.unallocated.is_zero());
    }

    #[test]
    fn each_way_a_kid_payment_can_miss_has_its_reason() {
        let open = [item(1, 1, 20, ItemClass::Principal, 100)];
        let claim = Some(KidTarget::Claim);
        assert_eq!(place(&incoming(100, claim), &open).0, Reason::KidExact);
        assert_eq!(place(&incoming(99, claim), &open).0, Reason::KidPart);
        assert_eq!(place(&incoming(101, claim), &open).0, Reason::KidOver);
        assert_eq!(place(&incoming(100, claim), &[]).0, Reason::PaidTwice);
        assert_eq!(place(&incoming(100, None), &open).0, Reason::UnknownKid);
        assert_eq!(place(&incoming(-100, claim), &open).0, Reason::Negative);
        let again = Incoming { suspected_duplicate: true, ..incoming(-100, claim) };
        assert_eq!(place(&again, &open).0, Reason::SuspectedDuplicate);
        assert_eq!(place(&Incoming { kid: "", ..incoming(100, None) }, &open).0, Reason::NoKid);
        assert_eq!(
            place(&Incoming { terminal_information: true, ..incoming(100, claim) }, &open).0,
            Reason::TerminalInformation
        );
        assert_eq!(
            place(&Incoming { suspected_duplicate: true, ..incoming(100, claim) }, &open).0,
            Reason::SuspectedDuplicate
        );
    }

    proptest::proptest! {
        #[test]
        fn never_more_than_received_nor_than_is_left(received in -1000i64..100_000, left in proptest::collection::vec(0i64..10_000, 0..12)) {
            let open: Vec<OpenItem> = left.iter().enumerate()
                .map(|(i, ore)| item(i as u128, (i / 3) as u128, 1 + u32::try_from(i).unwrap() % 28, ItemClass::Principal, *ore)).collect();
            let a = allocate(Money::from_ore(received), &open);
            let placed: Money = a.parts.iter().map(|p| p.amount).sum();
            proptest::prop_assert_eq!(placed + a.unallocated, Money::from_ore(received));
            proptest::prop_assert!(placed.ore() <= received.max(0));
            for p in &a.parts {
                let item = open.iter().find(|i| i.id == p.item).unwrap();
                proptest::prop_assert!(p.amount.is_positive() && p.amount.ore() <= item.remaining.ore());
            }
        }
    }
}
