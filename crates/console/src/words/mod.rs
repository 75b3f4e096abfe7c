//! Every word of the console's own, in bokmål, nynorsk and English; a missing one does not compile.

mod asking;
mod common;
mod desk;
mod pages;
mod payer;

pub(crate) use asking::{AskingWords, asking_words};
pub(crate) use common::{Words, words};
pub(crate) use desk::{DeskWords, desk_words};
pub(crate) use pages::{PageWords, page_words};
pub(crate) use payer::{PayerWords, payer_words};

use domain::customer::Language;

/// Declares a struct of words and its three languages, one word a row.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident, $of:ident; $($key:ident: $nb:literal, $nn:literal, $en:literal;)+) => {
        $(#[$doc])*
        pub(crate) struct $name { $(pub(crate) $key: &'static str),+ }

        /// The words of a language.
        pub(crate) const fn $of(language: domain::customer::Language) -> &'static $name {
            const NB: $name = $name { $($key: $nb),+ };
            const NN: $name = $name { $($key: $nn),+ };
            const EN: $name = $name { $($key: $en),+ };
            match language {
                domain::customer::Language::Bokmal => &NB,
                domain::customer::Language::Nynorsk => &NN,
                domain::customer::Language::English => &EN,
            }
        }
    };
}
pub(crate) use table;

/// One text in each language: bokmål, nynorsk, English.
pub(crate) type Text = [&'static str; 3];

/// The text of a language.
pub(crate) const fn pick<'a>(text: &[&'a str; 3], language: Language) -> &'a str {
    match language {
        Language::Bokmal => text[0],
        Language::Nynorsk => text[1],
        Language::English => text[2],
    }
}

/// Puts values where `{key}` stands.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = template.to_owned();
    for (key, value) in values {
        out = out.replace(&format!("{{{key}}}"), value);
    }
    out
}
