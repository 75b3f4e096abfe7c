//! Own 16 px stroke icons, hidden from assistive technology and always beside text.

use askama::filters::HtmlSafe;
use std::fmt;

macro_rules! icons {
    ($($name:ident $path:literal),+ $(,)?) => {
        /// One icon.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Icon { $($name),+ }

        impl Icon {
            const fn path(self) -> &'static str {
                match self { $(Self::$name => $path),+ }
            }
        }
    };
}

icons! {
    Send "M14 2 7.4 8.6M14 2 9.8 14 7.4 8.6 2 6.2z",
    File "M9.5 1.8H4.3a.8.8 0 0 0-.8.8v10.8c0 .4.4.8.8.8h7.4c.4 0 .8-.4.8-.8V4.8zM9.3 2v3h3M6 8.3h4M6 11h4",
    Run "M13.2 8a5.2 5.2 0 1 1-1.6-3.8M13.4 2.2v3h-3",
    Printer "M4.3 6V2.2h7.4V6M4.3 11.3H2.9a.9.9 0 0 1-.9-.9V6.9c0-.5.4-.9.9-.9h10.2c.5 0 .9.4.9.9v3.5c0 .5-.4.9-.9.9h-1.4M4.3 9.3h7.4v4.5H4.3z",
    Hook "M5.2 8.4a2.9 2.9 0 1 0 2.7 3.6h3.3M10 7.1a2.9 2.9 0 1 1-1.2 4.6M8 4.4 5.3 11M10.6 5.2A2.8 2.8 0 1 0 6 6.3",
    Search "M7 11.8a4.8 4.8 0 1 0 0-9.6 4.8 4.8 0 0 0 0 9.6zM10.5 10.5 14 14",
    Check "m3 8.6 3.2 3.2L13 4.6",
    Cross "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6 6l4 4M10 6l-4 4",
    Clock "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.6V8l2.2 1.6",
    Lock "M4.2 7.2h7.6c.4 0 .8.4.8.8v5c0 .4-.4.8-.8.8H4.2a.8.8 0 0 1-.8-.8V8c0-.4.4-.8.8-.8zM5.2 7.2V5a2.8 2.8 0 0 1 5.6 0v2.2",
    Bell "M3.4 11.4h9.2L11.5 10V6.6a3.5 3.5 0 0 0-7 0V10zM6.8 13.4a1.4 1.4 0 0 0 2.4 0",
    Coin "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 5v6M6.2 6.6h3.6M6.2 9.4h3.6",
    Info "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.4V11M8 5v.2",
    Warn "M8 2.4 14.2 13H1.8zM8 6.6v3M8 11.4v.1",
    Person "M8 7.6a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2zM3 13.8c.4-2.6 2.4-4.2 5-4.2s4.6 1.6 5 4.2",
    Down "m4 6.2 4 4 4-4",
    Download "M8 2.4v7.4M4.8 6.8 8 10l3.2-3.2M2.8 13.4h10.4",
    Pause "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.5 6v4M9.5 6v4",
    Back "M6 3.2 2.6 6.6 6 10M3 6.6h6.4a3.6 3.6 0 0 1 0 7.2H7",
    Flag "M4 14V2.6h8.2L10.4 5.6l1.8 3H4",
    Branch "M4.4 5.6v4.8M4.4 5.4a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2zM4.4 13.8a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2zM11.6 7a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2zM11.6 7c0 2.4-3.4 2-6 3.8",
    Twice "M5.4 5.4V3c0-.4.4-.8.8-.8H13c.4 0 .8.4.8.8v6.8c0 .4-.4.8-.8.8h-2.4M3 5.4h6.8c.4 0 .8.4.8.8V13c0 .4-.4.8-.8.8H3a.8.8 0 0 1-.8-.8V6.2c0-.4.4-.8.8-.8z",
    Menu "M2.4 4.4h11.2M2.4 8h11.2M2.4 11.6h11.2",
}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<svg class=\"icon\" viewBox=\"0 0 16 16\" width=\"16\" height=\"16\" fill=\"none\" stroke=\"currentColor\" \
             stroke-width=\"1.5\" stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\" \
             focusable=\"false\"><path d=\"{}\"/></svg>",
            self.path()
        )
    }
}

impl HtmlSafe for Icon {}
