//! The customers of a simulation: made up, each with marks that can be told apart wherever they turn up.

use super::world::{Dice, org_numbers};
use std::fmt::Write;

/// Stands in what is free: live e-mail addresses, contact persons.
pub(super) const FREE: &str = "levende-";
/// Stands in what the bookkeeping act asks for: the name.
pub(super) const CORE: &str = "kjerne-";

/// One customer, as the organisation's own system has it.
pub(super) struct Person {
    /// Number there, and part of every mark.
    pub(super) no: u32,
    /// A business, with its number.
    pub(super) org_number: Option<String>,
    /// Stands in the next list.
    pub(super) listed: bool,
    /// Is billed.
    pub(super) billed: bool,
    moves: u32,
}

impl Person {
    /// The live address.
    pub(super) fn email(&self) -> String {
        format!("{FREE}{:05}.{}@kunde.example", self.no, self.moves)
    }

    /// Moves, and gets another address.
    pub(super) fn moves(&mut self) {
        self.moves += 1;
    }

    fn row(&self, out: &mut String) {
        let kind = if self.org_number.is_some() { "Firma" } else { "Medlem" };
        let org_number = self.org_number.as_deref().unwrap_or_default();
        let (no, street) = (self.no, self.moves + 1);
        // Every fifth has somebody who is asked instead.
        let contact =
            if no % 5 == 0 { format!("Kontakt {FREE}{no:05};{FREE}{no:05}@kontakt.example") } else { ";".into() };
        let products = if self.billed { "FAST, AAR" } else { "" };
        let email = self.email();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{no};{kind} {CORE}{no:05};{org_number};Gata {street};0150;Oslo;{email};{contact};{products}"
        );
    }
}

/// All of them, in the order they came.
pub(super) struct People {
    pub(super) all: Vec<Person>,
    numbers: Box<dyn Iterator<Item = String> + Send>,
    businesses: bool,
}

impl People {
    /// None yet; `businesses` are among them, where there are any.
    pub(super) fn new(businesses: bool) -> Self {
        Self { all: Vec::new(), numbers: Box::new(org_numbers()), businesses }
    }

    /// Somebody joins.
    pub(super) fn join(&mut self, dice: &Dice) -> &Person {
        let no = u32::try_from(self.all.len()).unwrap_or(u32::MAX).saturating_add(1);
        let org_number = if self.businesses && dice.once_in(3) { self.numbers.next() } else { None };
        self.all.push(Person { no, org_number, listed: true, billed: true, moves: 0 });
        &self.all[self.all.len() - 1]
    }

    /// Those who are billed.
    pub(super) fn active(&self) -> Vec<usize> {
        (0..self.all.len()).filter(|i| self.all[*i].listed && self.all[*i].billed).collect()
    }

    /// The organisation's list today.
    pub(super) fn list(&self) -> Vec<u8> {
        let mut out =
            "Kundenr;Navn;Org.nr.;Adresse;Postnr;Poststed;E-post;Kontaktperson;Kontaktperson e-post;Produkter\n"
                .to_owned();
        for person in self.all.iter().filter(|p| p.listed) {
            person.row(&mut out);
        }
        out.into_bytes()
    }
}

/// The numbers of the marks in a text.
pub(super) fn marks<'a>(text: &'a [u8], mark: &'a str) -> impl Iterator<Item = u32> + 'a {
    memchr::memmem::find_iter(text, mark).filter_map(move |at| {
        let digits = text.get(at + mark.len()..at + mark.len() + 5)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_in_any_bytes() {
        let text = b"\x00levende-00017.2@kunde.example\xffkjerne-00003 levende-x levende-0";
        assert_eq!(marks(text, FREE).collect::<Vec<_>>(), [17]);
        assert_eq!(marks(text, CORE).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn a_list_holds_those_who_are_in_it() {
        let mut people = People::new(true);
        for _ in 0..20 {
            people.join(&Dice::new(1));
        }
        people.all[3].listed = false;
        let list = people.list();
        assert_eq!(std::str::from_utf8(&list).unwrap().lines().count(), 20);
        assert!(!marks(&list, CORE).any(|no| no == 4));
    }
}
