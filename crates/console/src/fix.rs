//! What can be done with a delivery that did not arrive.

use crate::words::{Text, pick};
use domain::customer::Language;

/// One thing to do with the selected deliveries; the `action` of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fix {
    /// Send again by the same channel.
    Resend,
    /// Choose another channel or address.
    OtherChannel,
    /// Put in the print queue.
    Print,
    /// Credit the invoice and make a new one.
    Credit,
    /// Somebody has taken care of it outside the service.
    Handled,
    /// Do not send at all.
    Cancel,
}

/// Words of a fix: button on a selection, verb with a count, question for one, question for many.
struct Look {
    button: Text,
    verb: Text,
    one: Text,
    many: Text,
}

impl Fix {
    /// Every fix.
    pub const ALL: [Self; 6] =
        [Self::Resend, Self::OtherChannel, Self::Print, Self::Credit, Self::Handled, Self::Cancel];

    /// Value of `action` in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resend => "resend",
            Self::OtherChannel => "redirect",
            Self::Print => "print",
            Self::Credit => "credit",
            Self::Handled => "handled",
            Self::Cancel => "cancel",
        }
    }

    /// From the value of `action`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.as_str() == text)
    }

    const fn look(self) -> &'static Look {
        match self {
            Self::Resend => &RESEND,
            Self::OtherChannel => &OTHER_CHANNEL,
            Self::Print => &PRINT,
            Self::Credit => &CREDIT,
            Self::Handled => &HANDLED,
            Self::Cancel => &CANCEL,
        }
    }

    /// `Send valgte på nytt`.
    pub(crate) const fn button(self, language: Language) -> &'static str {
        pick(&self.look().button, language)
    }

    /// `Send {n} på nytt`.
    pub(crate) const fn verb(self, language: Language) -> &'static str {
        pick(&self.look().verb, language)
    }

    /// The question of the confirmation page, for one or for `{n}`.
    pub(crate) const fn question(self, many: bool, language: Language) -> &'static str {
        let look = self.look();
        pick(if many { &look.many } else { &look.one }, language)
    }
}

const RESEND: Look = Look {
    button: ["Send på nytt", "Send på nytt", "Send again"],
    verb: ["Send {n} på nytt", "Send {n} på nytt", "Send {n} again"],
    one: ["Vil du sende fakturaen en gang til?", "Vil du sende fakturaen ein gong til?", "Send the invoice once more?"],
    many: [
        "Vil du sende {n} fakturaer en gang til?",
        "Vil du sende {n} fakturaer ein gong til?",
        "Send {n} invoices once more?",
    ],
};

const OTHER_CHANNEL: Look = Look {
    button: ["Send i annen kanal", "Send i annan kanal", "Send by another channel"],
    verb: ["Send {n} i annen kanal", "Send {n} i annan kanal", "Send {n} by another channel"],
    one: [
        "Vil du sende fakturaen i en annen kanal?",
        "Vil du sende fakturaen i ein annan kanal?",
        "Send the invoice by another channel?",
    ],
    many: [
        "Vil du sende {n} fakturaer i en annen kanal?",
        "Vil du sende {n} fakturaer i ein annan kanal?",
        "Send {n} invoices by another channel?",
    ],
};

const PRINT: Look = Look {
    button: ["Legg i utskriftskø", "Legg i utskriftskø", "Add to print queue"],
    verb: ["Legg {n} i utskriftskø", "Legg {n} i utskriftskø", "Add {n} to print queue"],
    one: [
        "Vil du legge fakturaen i utskriftskøen?",
        "Vil du leggje fakturaen i utskriftskøen?",
        "Add the invoice to the print queue?",
    ],
    many: [
        "Vil du legge {n} fakturaer i utskriftskøen?",
        "Vil du leggje {n} fakturaer i utskriftskøen?",
        "Add {n} invoices to the print queue?",
    ],
};

const CREDIT: Look = Look {
    button: ["Krediter og lag nye", "Krediter og lag nye", "Credit and reissue"],
    verb: ["Krediter {n} og lag nye", "Krediter {n} og lag nye", "Credit {n} and reissue"],
    one: [
        "Vil du kreditere fakturaen og lage en ny?",
        "Vil du kreditere fakturaen og lage ein ny?",
        "Credit the invoice and make a new one?",
    ],
    many: [
        "Vil du kreditere {n} fakturaer og lage nye?",
        "Vil du kreditere {n} fakturaer og lage nye?",
        "Credit {n} invoices and make new ones?",
    ],
};

const HANDLED: Look = Look {
    button: ["Merk som håndtert", "Merk som handtert", "Mark as handled"],
    verb: ["Merk {n} som håndtert", "Merk {n} som handtert", "Mark {n} as handled"],
    one: [
        "Vil du merke leveringen som håndtert?",
        "Vil du merkje leveringa som handtert?",
        "Mark the delivery as handled?",
    ],
    many: [
        "Vil du merke {n} leveringer som håndtert?",
        "Vil du merkje {n} leveringar som handterte?",
        "Mark {n} deliveries as handled?",
    ],
};

const CANCEL: Look = Look {
    button: ["Avbryt levering", "Avbryt levering", "Cancel delivery"],
    verb: ["Avbryt {n} leveringer", "Avbryt {n} leveringar", "Cancel {n} deliveries"],
    one: ["Vil du avbryte leveringen?", "Vil du avbryte leveringa?", "Cancel the delivery?"],
    many: ["Vil du avbryte {n} leveringer?", "Vil du avbryte {n} leveringar?", "Cancel {n} deliveries?"],
};

#[cfg(test)]
mod tests {
    #[test]
    fn every_fix_is_found_by_its_name() {
        assert!(super::Fix::ALL.into_iter().all(|f| super::Fix::parse(f.as_str()) == Some(f)));
    }
}
