//! Statistics of a financial year that is over: counts and sums by month that stand for so many that they tell of nobody.

use std::collections::BTreeSet;
use uuid::Uuid;

/// What is counted. Each kind stands for the customers it is of itself: a month with many invoices and one credit note says
/// nothing of the credit note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Invoices.
    Invoice,
    /// Credit notes.
    CreditNote,
    /// Payments.
    Payment,
}

impl Kind {
    /// All, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::Invoice, Self::CreditNote, Self::Payment];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditNote => "credit_note",
            Self::Payment => "payment",
        }
    }
}

/// How many, and what they come to, in øre.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many.
    pub items: i64,
    /// Without VAT; 0 for payments.
    pub net_ore: i64,
    /// VAT; 0 for payments.
    pub vat_ore: i64,
    /// In all.
    pub total_ore: i64,
}

impl Sums {
    const fn and(self, more: Self) -> Self {
        Self {
            items: self.items.saturating_add(more.items),
            net_ore: self.net_ore.saturating_add(more.net_ore),
            vat_ore: self.vat_ore.saturating_add(more.vat_ore),
            total_ore: self.total_ore.saturating_add(more.total_ore),
        }
    }
}

/// The customers a month stands for: how many, or who, where they are few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Crowd {
    /// As many as a number must stand for, or more.
    Many(u64),
    /// Fewer: who they are says how many several such months stand for together. They are never kept.
    Few(BTreeSet<Uuid>),
}

/// What one kind came to in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Month {
    /// 1 to 12.
    pub month: u32,
    /// What it came to.
    pub sums: Sums,
    /// Whom it stands for.
    pub crowd: Crowd,
}

/// A number that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// 1 to 12; 0 for the rest of the year.
    pub month: u32,
    /// What it comes to.
    pub sums: Sums,
    /// How many customers it stands for.
    pub customers: u64,
}

/// The rest of a year among its parts.
pub const REST: u32 = 0;

/// What is kept of one kind in a year: each month that stands for `smallest` customers or more by itself, the other months
/// together as the year's rest where that does, and nothing of them where it does not.
///
/// Nothing can be found by taking one number from another: no total of a year is kept, and every month is in one part
/// or in none, so that whatever is added or taken away is made of whole parts, each of which stands for enough. With a
/// total a single month left out would be what the others do not come to.
pub fn keep(months: Vec<Month>, smallest: u32) -> Vec<Part> {
    let smallest = u64::from(smallest);
    let (mut parts, mut rest, mut people) = (Vec::new(), Sums::default(), BTreeSet::new());
    for Month { month, sums, crowd } in months {
        match crowd {
            Crowd::Many(customers) if customers >= smallest => parts.push(Part { month, sums, customers }),
            Crowd::Few(who) if count(&who) >= smallest => parts.push(Part { month, sums, customers: count(&who) }),
            Crowd::Few(who) => {
                rest = rest.and(sums);
                people.extend(who);
            }
            // Nobody knows who they are: they make no crowd with others.
            Crowd::Many(_) => {}
        }
    }
    if count(&people) >= smallest {
        parts.push(Part { month: REST, sums: rest, customers: count(&people) });
    }
    parts
}

fn count(people: &BTreeSet<Uuid>) -> u64 {
    u64::try_from(people.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn month(month: u32, customers: impl IntoIterator<Item = u128>) -> Month {
        let who: BTreeSet<Uuid> = customers.into_iter().map(Uuid::from_u128).collect();
        let items = i64::try_from(who.len()).unwrap();
        let sums = Sums { items, net_ore: items * 80, vat_ore: items * 20, total_ore: items * 100 };
        Month { month, sums, crowd: Crowd::Few(who) }
    }

    #[test]
    fn four_show_nowhere_and_five_do() {
        assert_eq!(keep(vec![month(1, 1..=4)], 5), []);
        let kept = keep(vec![month(1, 1..=4), month(2, 1..=5)], 5);
        assert_eq!(kept.iter().map(|p| (p.month, p.customers)).collect::<Vec<_>>(), [(2, 5)]);
    }

    #[test]
    fn months_that_are_too_small_are_the_years_rest_by_the_customers_they_have_together() {
        let kept = keep(vec![month(1, 1..=4), month(2, 3..=5), month(3, 1..=9)], 5);
        assert_eq!(kept.iter().map(|p| (p.month, p.customers)).collect::<Vec<_>>(), [(3, 9), (REST, 5)]);
        assert_eq!(kept[1].sums, Sums { items: 7, net_ore: 560, vat_ore: 140, total_ore: 700 });
        // The same four twice are four.
        assert_eq!(keep(vec![month(1, 1..=4), month(2, 1..=4)], 5), []);
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_kept_stands_for_enough(
            bought in proptest::collection::vec((1u32..=12, 0u128..14, -500i64..9_999), 0..90),
            smallest in 5u32..9,
        ) {
            let mut by_month: BTreeMap<u32, (i64, i64, BTreeSet<Uuid>)> = BTreeMap::new();
            for (month, customer, ore) in &bought {
                let of = by_month.entry(*month).or_default();
                of.0 += 1;
                of.1 += ore;
                of.2.insert(Uuid::from_u128(*customer));
            }
            let months: Vec<Month> = by_month
                .iter()
                .map(|(month, (items, ore, who))| Month {
                    month: *month,
                    sums: Sums { items: *items, net_ore: *ore, vat_ore: 0, total_ore: *ore },
                    crowd: if count(who) >= u64::from(smallest) { Crowd::Many(count(who)) } else { Crowd::Few(who.clone()) },
                })
                .collect();
            let kept = keep(months, smallest);
            let own: BTreeSet<u32> = kept.iter().map(|p| p.month).filter(|m| *m != REST).collect();
            proptest::prop_assert_eq!(kept.len() - usize::from(kept.iter().any(|p| p.month == REST)), own.len());
            for part in &kept {
                // The months a part is made of are its own, so that no part is another one and somebody.
                let of: Vec<_> = by_month
                    .iter()
                    .filter(|(m, _)| if part.month == REST { !own.contains(m) } else { **m == part.month })
                    .collect();
                let who: BTreeSet<Uuid> = of.iter().flat_map(|(_, (_, _, who))| who.iter().copied()).collect();
                proptest::prop_assert!(who.len() >= usize::try_from(smallest).unwrap(), "{part:?}");
                proptest::prop_assert_eq!(part.customers, count(&who));
                proptest::prop_assert_eq!(part.sums.items, of.iter().map(|(_, (items, _, _))| items).sum::<i64>());
                proptest::prop_assert_eq!(part.sums.total_ore, of.iter().map(|(_, (_, ore, _))| ore).sum::<i64>());
            }
            // And what could be kept is.
            for (month, (_, _, who)) in &by_month {
                proptest::prop_assert_eq!(own.contains(month), count(who) >= u64::from(smallest));
            }
        }
    }
}
