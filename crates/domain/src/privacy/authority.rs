//! The authority that supervises, and how it is reached: the one place its contact details stand.

use std::fmt;

/// Somebody who supervises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority {
    /// Its name.
    pub name: &'static str,
    /// Where letters go.
    pub postal: &'static str,
    /// Where it is visited.
    pub visiting: &'static str,
    /// Mail.
    pub email: &'static str,
    /// Telephone, as dialled within Norway.
    pub phone: &'static str,
}

/// The Norwegian Data Protection Authority (personopplysningsloven § 20).
pub const AUTHORITY: Authority = Authority {
    name: "Datatilsynet",
    postal: "Postboks 458 Sentrum, 0105 Oslo",
    visiting: "Trelastgata 3, 0191 Oslo",
    email: "postkasse@datatilsynet.no",
    phone: "22 39 69 00",
};

/// One line with every way to reach it.
impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, postal, visiting, email, phone } = self;
        write!(f, "{name}: {email}, {phone}, {postal}, {visiting}")
    }
}
