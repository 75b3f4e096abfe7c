//! What a file from the giro operator holds.

use chrono::NaiveDate;

/// Who sent the file to whom, and under what number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmission {
    /// Columns 9-16: the operator.
    pub sender: String,
    /// Columns 17-23.
    pub number: String,
    /// Columns 24-31: our customer unit.
    pub recipient: String,
}

/// A checked file.
#[derive(Debug)]
pub struct GiroFile<'a> {
    /// From the start record.
    pub transmission: Transmission,
    /// Payments, by account.
    pub assignments: Vec<Assignment<'a>>,
    /// Mandates, by account.
    pub mandates: Vec<MandateAssignment<'a>>,
    /// Transactions of the whole file, as the end record says.
    pub transactions: u64,
    /// Control sum of the whole file in øre, as the end record says.
    pub control_sum_ore: u64,
    /// Set when the sum only matches with reversals added instead of subtracted.
    pub ambiguous_sum: bool,
}

/// The payments of one account.
#[derive(Debug)]
pub struct Assignment<'a> {
    /// The payee's account.
    pub account: &'a str,
    /// OCR agreement of the account.
    pub agreement: &'a str,
    /// Line of the start record.
    pub line: usize,
    /// Transactions, as the end record says.
    pub transactions: u64,
    /// Control sum in øre, as the end record says.
    pub control_sum_ore: u64,
    /// Every payment in file order.
    pub payments: Vec<Payment<'a>>,
}

/// One incoming payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment<'a> {
    /// Line of amount item 1.
    pub line: usize,
    /// Transaction type 10 to 21.
    pub kind: u8,
    /// Settlement date.
    pub settled_on: NaiveDate,
    /// Centre id, day code, partial settlement and serial number: what makes one line of the bank statement.
    pub settlement: &'a str,
    /// Signed amount in øre.
    pub amount_ore: i64,
    /// KID without padding; empty when none was stated.
    pub kid: &'a str,
    /// Archive reference.
    pub reference: &'a str,
    /// The payer's account, when known.
    pub debit_account: Option<&'a str>,
    /// Free text of types 20 and 21.
    pub text: Option<String>,
}

impl Payment<'_> {
    /// Types 18 to 21: card terminal information, not an account credit.
    pub const fn is_terminal_information(&self) -> bool {
        self.kind >= 18
    }
}

/// The mandates of one account.
#[derive(Debug)]
pub struct MandateAssignment<'a> {
    /// The payee's account.
    pub account: &'a str,
    /// Line of the start record.
    pub line: usize,
    /// Every mandate in file order.
    pub mandates: Vec<Mandate<'a>>,
}

/// What a mandate record does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Member of a complete list.
    Complete,
    /// New, or its wish for notice changed.
    NewOrChanged,
    /// Ended.
    Deleted,
}

impl Registration {
    /// Its digit in the file.
    pub const fn digit(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::NewOrChanged => 1,
            Self::Deleted => 2,
        }
    }
}

/// One AvtaleGiro mandate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mandate<'a> {
    /// Line of the record.
    pub line: usize,
    /// What is registered.
    pub registration: Registration,
    /// KID of the mandate.
    pub kid: &'a str,
    /// Whether the payer wants written notice.
    pub notify: bool,
}
