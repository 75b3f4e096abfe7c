//! The customers of a simulation: made up, each with marks that can be told apart wherever they turn up.

use super::world::Dice;
use std::fmt::Write;

/// Stands in what is free: live e-mail addresses, contact persons.
pub(super) const FREE: &str = "levende-";
/// Stands in what the bookkeeping act asks for: the name, and numbers but the first.
pub(super) const CORE: &str = "kjerne-";
/// Stands in what is a contact person's own, with a number of the person's own.
pub(super) const CONTACT: &str = "bekjent-";
/// All marks.
pub(super) const MARKS: [&str; 3] = [FREE, CORE, CONTACT];

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
    /// How often the customer was given another number here.
    pub(super) renumbered: u32,
    /// The contact person in the list, by a number of the person's own.
    pub(super) contact: Option<u32>,
    moves: u32,
    /// The number the list has: the other system hears of a new one a list later.
    listed_as: String,
}

/// The number of a customer that was given another so often.
pub(super) fn number(no: u32, renumbered: u32) -> String {
    if renumbered == 0 { no.to_string() } else { format!("{CORE}{no:05}-{renumbered}") }
}

/// Whose number it is, be it the first or a later one.
pub(super) fn no_of(number: &str) -> Option<u32> {
    number.parse().ok().or_else(|| marks(number.as_bytes(), CORE).next())
}

/// How a contact person is called, and where reached.
pub(super) fn contact(no: u32, contact: u32) -> (String, String) {
    (
        format!("Kontakt {FREE}{no:05} {CONTACT}{contact:05}"),
        format!("{FREE}{no:05}.{CONTACT}{contact:05}@kontakt.example"),
    )
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
        let (no, street, number) = (self.no, self.moves + 1, &self.listed_as);
        let (name, reach) = self.contact.map(|c| contact(no, c)).unwrap_or_default();
        let products = if self.billed { "FAST, AAR" } else { "" };
        let email = self.email();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{number};{kind} {CORE}{no:05};{org_number};Gata {street};0150;Oslo;{email};{name};{reach};{products}"
        );
    }
}

/// All of them, in the order they came.
pub(super) struct People {
    pub(super) all: Vec<Person>,
    numbers: Box<dyn Iterator<Item = String> + Send>,
    businesses: bool,
    contacts: u32,
}

impl People {
    /// None yet; `businesses` are among them, where there are any.
    pub(super) fn new(businesses: bool) -> Self {
        Self { all: Vec::new(), numbers: Box::new(sandbox::org_numbers()), businesses, contacts: 0 }
    }

    /// Somebody joins.
    pub(super) fn join(&mut self, dice: &Dice) -> &Person {
        let no = u32::try_from(self.all.len()).unwrap_or(u32::MAX).saturating_add(1);
        let org_number = if self.businesses && dice.once_in(3) { self.numbers.next() } else { None };
        // Every fifth has somebody who is asked instead.
        let contact = no.is_multiple_of(5).then(|| self.next_contact());
        let listed_as = number(no, 0);
        self.all.push(Person {
            no,
            org_number,
            listed: true,
            billed: true,
            renumbered: 0,
            contact,
            moves: 0,
            listed_as,
        });
        &self.all[self.all.len() - 1]
    }

    /// The number of a contact person who is new.
    pub(super) const fn next_contact(&mut self) -> u32 {
        self.contacts += 1;
        self.contacts
    }

    /// The other system hears of the numbers customers were given here.
    pub(super) fn hear_of_numbers(&mut self) {
        for person in &mut self.all {
            person.listed_as = number(person.no, person.renumbered);
        }
    }

    /// Those who are billed.
    pub(super) fn active(&self) -> Vec<usize> {
        (0..self.all.len()).filter(|i| self.all[*i].listed && self.all[*i].billed).collect()
    }

    /// Everybody in the list.
    pub(super) fn listed(&self) -> Vec<usize> {
        (0..self.all.len()).filter(|i| self.all[*i].listed).collect()
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
    fn a_number_tells_whose_it_is() {
        for renumbered in 0..3 {
            assert_eq!(no_of(&number(17, renumbered)), Some(17));
        }
        assert_eq!(no_of("A-17"), None);
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
