//! What a server said: the codes in its words, and the words without the people in them.

/// A status code of RFC 3463.
pub type Status = (u8, u16, u16);

const MAX_CHARS: usize = 300;

/// The first status code (`5.1.1`) that stands by itself in a text; an IP address or a version is none.
pub fn status_in(text: &str) -> Option<Status> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.';
    text.split(|c: char| !is_part(c)).map(|word| word.trim_end_matches('.')).find_map(status)
}

fn status(word: &str) -> Option<Status> {
    let mut numbers = word.split('.').map(|n| {
        let short = (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
        short.then(|| n.parse::<u16>().ok()).flatten()
    });
    let (class, subject, detail) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let class = u8::try_from(class).ok().filter(|c| matches!(c, 2 | 4 | 5))?;
    (numbers.next().is_none() && subject <= 7).then_some((class, subject, detail))
}

/// The first reply code of SMTP (`550`) of the classes 4 and 5 that stands by itself in a text, or before a hyphen and
/// words (`550-no such user`); a telephone number or an amount is none.
pub fn reply_in(text: &str) -> Option<u16> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | ',' | '_' | '/' | ':' | '@' | '-' | '+');
    text.split(|c: char| !is_part(c)).find_map(|word| {
        let (code, more) = word.split_once('-').unwrap_or((word, ""));
        let code = code.trim_end_matches([':', '.', ',']);
        let alone = !more.starts_with(|c: char| c.is_ascii_digit()) || status(more).is_some();
        let digits = alone && code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit());
        code.parse().ok().filter(|code| digits && matches!(code, 421 | 432 | 450..=459 | 500..=504 | 521 | 523..=559))
    })
}

/// The code that says more: `5.0.0` gives way to what the remote server itself said, in the same class.
pub fn plainest(stated: Option<Status>, said: Option<Status>) -> Option<Status> {
    match (stated, said) {
        (Some((class, 0, 0)), Some(said)) if said.0 == class => Some(said),
        (stated, said) => stated.or(said),
    }
}

/// One line of at most 300 characters without e-mail addresses and the local parts of the recipients named.
pub fn clean(text: &str, recipients: &[&str]) -> Option<String> {
    let locals: Vec<String> = recipients
        .iter()
        .filter_map(|address| address.trim_matches(['<', '>']).rsplit_once('@'))
        .map(|(local, _)| local.trim_matches('"').to_lowercase())
        .filter(|local| local.chars().count() >= 3)
        .collect();
    let mut line = String::new();
    let text = without_quoted(text);
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        mask(word, &locals, &mut line);
        if line.len() > 8 * MAX_CHARS {
            break;
        }
    }
    let line: String = line.chars().take(MAX_CHARS).collect();
    Some(line.trim_end().to_owned()).filter(|l| !l.is_empty())
}

/// A text with quoted local parts (`"Kari N."@`) made one word, so that they go with their address.
fn without_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split("\"@").peekable();
    while let Some(piece) = pieces.next() {
        let kept =
            if pieces.peek().is_some() { piece.rsplit_once('"').map_or("", |(before, _)| before) } else { piece };
        out.push_str(kept);
        if pieces.peek().is_some() {
            out.push_str(" x@");
        }
    }
    out
}

/// Writes a word, with `[address]` for what is one: it holds `@`, plain or encoded, or is a recipient's local part.
fn mask(word: &str, locals: &[String], out: &mut String) {
    let lower = word.to_lowercase();
    let encoded = ["@", "%40", "=40", "+40", "＠", "&#64;", "&#x40;"].iter().any(|at| lower.contains(at));
    let bare = lower.trim_matches(|c: char| !c.is_alphanumeric());
    let named = |local: &String| {
        lower == *local
            || bare == *local
            || lower.split(['\'', '"', '<', '>', '(', ')', ':', '=', ',']).any(|p| p == local)
    };
    if !encoded && !locals.iter().any(named) {
        out.push_str(word);
        return;
    }
    // Brackets and commas round an address are no part of it, yet codes glued to it by them are kept.
    let end = word.trim_end_matches(['>', ')', ']', ':', ';', ',', '.', '"', '\'']);
    out.push_str("[address]");
    out.extend(word[end.len()..].chars().filter(|c| matches!(c, ':' | ';' | ',' | '.')));
}

#[cfg(test)]
mod tests {
    use super::{clean, reply_in, status_in};

    #[test]
    fn codes_are_told_from_other_numbers() {
        assert_eq!(status_in("smtp; 550-5.1.1 no such user"), Some((5, 1, 1)));
        assert_eq!(status_in("(#5.1.1)"), Some((5, 1, 1)));
        assert_eq!(status_in("host 5.1.1.7 said 4.2.2."), Some((4, 2, 2)));
        assert_eq!(status_in("version 3.1.1, 5.9.1, 5.1, 5.1.1234, x5.1.1"), None);
        assert_eq!(reply_in("10.0.0.1 said: 550 no"), Some(550));
        assert_eq!(reply_in("550: no"), Some(550));
        assert_eq!(reply_in("port 587, 5500, 12:550, 550.20 kr, 550,20, 555-0100, 600"), None);
        assert_eq!(reply_in("550-No such user"), Some(550));
    }

    #[test]
    fn words_lose_their_people() {
        let of = |text: &str| clean(text, &["kari.n@x.no"]).unwrap_or_default();
        assert_eq!(of("550 <kari.n@x.no>: User unknown"), "550 [address]: User unknown");
        assert_eq!(of("550 \"Kari N\"@x.no unknown"), "550 [address] unknown");
        assert_eq!(
            of("Account Kari.N disabled,\r\n see <https://x.no/?e=kari.n%40x.no>"),
            "Account [address] disabled, see [address]"
        );
        assert_eq!(of("mailbox 'kari.n' (kari.n) full\u{2028}\u{7}x"), "mailbox [address] [address] full x");
        assert_eq!(of(" \r\n "), "");
        assert_eq!(of(&"å".repeat(500)).chars().count(), 300);
    }
}
