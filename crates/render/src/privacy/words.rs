//! What clocks, grounds, holds and recipients are called, and what each clock is for, in three languages.

use domain::customer::Language;
use domain::privacy::{Basis, Ground, Hold, Period, Recipient, RuleId, Subject, Transfer, Trigger};

/// Bokmål, nynorsk, English.
pub(super) type Text = [&'static str; 3];

/// The text of a language.
pub(super) const fn say(text: Text, language: Language) -> &'static str {
    match language {
        Language::Bokmal => text[0],
        Language::Nynorsk => text[1],
        Language::English => text[2],
    }
}

/// That nothing is decided about anybody by a machine alone, and no profiles are made (articles 13 (2) f, 15 (1) h and 22).
pub(super) const AUTOMATED: Text = [
    "Vi lager ingen profiler av deg. Ingen avgjørelse med rettsvirkning for deg, eller som påvirker deg like mye, blir tatt bare ved automatisk behandling (artikkel 22).",
    "Vi lagar ingen profilar av deg. Inga avgjerd med rettsverknad for deg, eller som verkar like mykje på deg, blir teken berre ved automatisk behandling (artikkel 22).",
    "We make no profile of you. No decision with legal effect for you, or that affects you as much, is made by automated processing alone (article 22).",
];

/// What a category is called.
pub fn title(rule: RuleId, language: Language) -> &'static str {
    say(clock(rule)[0], language)
}

/// What a category is held for: "to perform the agreement with the customer".
pub fn purpose(rule: RuleId, language: Language) -> &'static str {
    say(clock(rule)[1], language)
}

/// Title and purpose.
#[expect(clippy::too_many_lines, reason = "one entry a clock")]
const fn clock(rule: RuleId) -> [Text; 2] {
    match rule {
        RuleId::CustomerMaster => [
            [
                "Kontaktopplysninger og kundeforhold",
                "Kontaktopplysningar og kundeforhold",
                "Contact details and customer relationship",
            ],
            [
                "oppfylle avtalen med kunden",
                "oppfylle avtalen med kunden",
                "to perform the agreement with the customer",
            ],
        ],
        RuleId::CustomerCore => [
            [
                "Kundenummer, navn og organisasjonsnummer",
                "Kundenummer, namn og organisasjonsnummer",
                "Customer number, name and organisation number",
            ],
            [
                "vite hvem kunden er, og føre kundespesifikasjon",
                "vite kven kunden er, og føre kundespesifikasjon",
                "to know who the customer is, and to keep the customer specification",
            ],
        ],
        RuleId::ContactPerson => [
            ["Kontaktpersoner", "Kontaktpersonar", "Contact persons"],
            [
                "holde kontakt i avtaleforholdet",
                "halde kontakt i avtaleforholdet",
                "to stay in contact during the agreement",
            ],
        ],
        RuleId::IssuedDocument => [
            ["Fakturaer og kreditnotaer", "Fakturaer og kreditnotaer", "Invoices and credit notes"],
            [
                "kreve det som er avtalt, og dokumentere salg",
                "krevje det som er avtalt, og dokumentere sal",
                "to ask for what was agreed, and to document sales",
            ],
        ],
        RuleId::Draft => [
            ["Fakturautkast", "Fakturautkast", "Draft invoices"],
            ["forberede fakturaer", "førebu fakturaer", "to prepare invoices"],
        ],
        RuleId::Ledger => [
            ["Reskontro og bokføring", "Reskontro og bokføring", "Customer ledger and postings"],
            ["føre regnskap", "føre rekneskap", "to keep accounts"],
        ],
        RuleId::Payment => [
            ["Innbetalinger", "Innbetalingar", "Payments"],
            [
                "gjøre opp krav og føre regnskap",
                "gjere opp krav og føre rekneskap",
                "to settle claims and keep accounts",
            ],
        ],
        RuleId::OpenItem => [
            ["Ubetalte krav", "Ubetalte krav", "Unpaid claims"],
            ["kreve inn det som er skyldig", "krevje inn det som er skuldig", "to collect what is owed"],
        ],
        RuleId::Reminder => [
            ["Purringer og renter", "Purringar og renter", "Reminders and interest"],
            [
                "kreve inn det som er skyldig, og dokumentere tap",
                "krevje inn det som er skuldig, og dokumentere tap",
                "to collect what is owed, and to document losses",
            ],
        ],
        RuleId::UnbookedReminder => [
            ["Purringer uten gebyr", "Purringar utan gebyr", "Reminders without a fee"],
            ["vise at det er varslet", "vise at det er varsla", "to show that notice was given"],
        ],
        RuleId::EfakturaReference => [
            ["eFaktura-referanser", "eFaktura-referansar", "eFaktura references"],
            [
                "levere fakturaer i nettbanken",
                "levere fakturaer i nettbanken",
                "to deliver invoices in the online bank",
            ],
        ],
        RuleId::Mandate => [
            ["AvtaleGiro-avtaler", "AvtaleGiro-avtalar", "AvtaleGiro mandates"],
            ["trekke betaling etter avtale", "trekkje betaling etter avtale", "to collect payment as agreed"],
        ],
        RuleId::DeliveryLog => [
            ["Leveringslogg", "Leveringslogg", "Delivery log"],
            ["vise at fakturaen er levert", "vise at fakturaen er levert", "to show that the invoice was delivered"],
        ],
        RuleId::DeliveryAddress => [
            ["Adressen en faktura er sendt til", "Adressa ein faktura er send til", "Address an invoice was sent to"],
            ["levere fakturaen", "levere fakturaen", "to deliver the invoice"],
        ],
        RuleId::BouncedMail => [
            ["E-post som kom i retur", "E-post som kom i retur", "Mail that came back"],
            [
                "finne ut hvorfor en faktura ikke kom fram",
                "finne ut kvifor ein faktura ikkje kom fram",
                "to find out why an invoice did not arrive",
            ],
        ],
        RuleId::MailBody => [
            ["E-post i utboksen", "E-post i utboksen", "Mail in the outbox"],
            ["sende fakturaer", "sende fakturaer", "to send invoices"],
        ],
        RuleId::SupportCase => [
            ["Henvendelser og notater", "Førespurnader og notat", "Support cases and notes"],
            ["svare på spørsmål og hjelpe", "svare på spørsmål og hjelpe", "to answer questions and help"],
        ],
        RuleId::Correspondence => [
            ["Korrespondanse og avtaler", "Korrespondanse og avtalar", "Correspondence and agreements"],
            ["dokumentere bokførte poster", "dokumentere bokførte postar", "to document booked items"],
        ],
        RuleId::Consent => [
            ["Samtykker", "Samtykke", "Consents"],
            [
                "vise at samtykke er gitt og trukket tilbake",
                "vise at samtykke er gitt og trekt tilbake",
                "to show that consent was given and withdrawn",
            ],
        ],
        RuleId::Marketing => [
            ["Valg om markedsføring", "Val om marknadsføring", "Marketing choices"],
            [
                "sende det du har sagt ja til, og ikke annet",
                "sende det du har sagt ja til, og ikkje anna",
                "to send what you said yes to, and nothing else",
            ],
        ],
        RuleId::PrivacyCase => [
            ["Personvernhenvendelser", "Personvernførespurnader", "Privacy requests"],
            [
                "svare på henvendelser og vise at det er gjort",
                "svare på førespurnader og vise at det er gjort",
                "to answer requests and show that it was done",
            ],
        ],
        RuleId::PrivacyPackage => {
            [["Innsynspakker", "Innsynspakker", "Access packages"], ["gi innsyn", "gi innsyn", "to give access"]]
        }
        RuleId::ErasureMark => [
            ["Slettemerker", "Slettemerke", "Erasure marks"],
            [
                "slette på nytt hvis en sikkerhetskopi tas i bruk",
                "slette på nytt om ein tryggingskopi blir teken i bruk",
                "to erase again if a backup is restored",
            ],
        ],
        RuleId::Certificate => [
            ["Slettebevis", "Slettebevis", "Erasure certificates"],
            [
                "vise at det er slettet, uten å si om hvem",
                "vise at det er sletta, utan å seie om kven",
                "to show that data was erased, without saying whose",
            ],
        ],
        RuleId::AuditBooks => [
            ["Sporing av bokførte poster", "Sporing av bokførte postar", "Audit trail of booked items"],
            ["kontrollere regnskapet", "kontrollere rekneskapen", "to control the accounts"],
        ],
        RuleId::AuditOther => [
            ["Sporing av bruk", "Sporing av bruk", "Audit trail of use"],
            ["vise hvem som gjorde hva", "vise kven som gjorde kva", "to show who did what"],
        ],
        RuleId::AccessLog => [
            ["Innloggings- og tilgangslogg", "Innloggings- og tilgangslogg", "Access log"],
            ["sikkerhet og feilsøking", "tryggleik og feilsøking", "security and fault finding"],
        ],
        RuleId::BlockedAddress => [
            ["Sperrede IP-adresser", "Sperra IP-adresser", "Blocked IP addresses"],
            ["hindre nye angrep", "hindre nye angrep", "to prevent further attacks"],
        ],
        RuleId::Session => [
            ["Innloggingsøkter", "Innloggingsøkter", "Sessions"],
            ["holde deg innlogget", "halde deg innlogga", "to keep you signed in"],
        ],
        RuleId::RememberToken => [
            ["Husk meg", "Hugs meg", "Remember me"],
            [
                "kjenne igjen nettleseren når du ber om det",
                "kjenne att nettlesaren når du ber om det",
                "to recognise the browser when you ask for it",
            ],
        ],
        RuleId::AppUser => [
            ["Brukere av tjenesten", "Brukarar av tenesta", "Users of the service"],
            ["gi tilgang", "gi tilgang", "to give access"],
        ],
        RuleId::SyncFile => [
            ["Innleste kundelister", "Innlesne kundelister", "Imported customer lists"],
            [
                "ta inn opplysninger fra virksomhetens eget system",
                "ta inn opplysningar frå verksemda sitt eige system",
                "to take in data from the organisation's own system",
            ],
        ],
        RuleId::SyncPlan => [
            [
                "Kundelister som venter på godkjenning",
                "Kundelister som ventar på godkjenning",
                "Customer lists awaiting approval",
            ],
            ["vise hva en liste vil endre", "vise kva ei liste vil endre", "to show what a list would change"],
        ],
        RuleId::BankFile => [
            ["Filer fra banken", "Filer frå banken", "Files from the bank"],
            ["dokumentere innbetalinger", "dokumentere innbetalingar", "to document payments"],
        ],
        RuleId::UnmatchedPayment => [
            ["Innbetalinger som mangler mottaker", "Innbetalingar som manglar mottakar", "Payments not yet matched"],
            [
                "finne ut hva som er betalt, eller betale tilbake",
                "finne ut kva som er betalt, eller betale tilbake",
                "to find out what was paid, or pay it back",
            ],
        ],
        RuleId::Backup => [
            ["Sikkerhetskopier", "Tryggingskopiar", "Backups"],
            [
                "gjenopprette tjenesten etter feil",
                "gjenopprette tenesta etter feil",
                "to restore the service after a failure",
            ],
        ],
        RuleId::Statistics => [
            ["Statistikk", "Statistikk", "Statistics"],
            [
                "forbedre tjenesten med tall som ikke kan knyttes til noen",
                "betre tenesta med tal som ikkje kan knytast til nokon",
                "to improve the service with numbers that tell of nobody",
            ],
        ],
        RuleId::CreditCheck => [
            ["Kredittsjekk", "Kredittsjekk", "Credit checks"],
            ["vurdere kreditt", "vurdere kreditt", "to decide on credit"],
        ],
        RuleId::DisputeCase => [
            ["Klager, tvister og sperrer", "Klager, tvistar og sperrer", "Complaints, disputes and holds"],
            ["behandle krav", "behandle krav", "to handle claims"],
        ],
        RuleId::BreachCase => [
            ["Avviksregister", "Avviksregister", "Breach register"],
            ["dokumentere avvik", "dokumentere avvik", "to document breaches"],
        ],
        RuleId::BreachPersons => [
            ["Berørte av avvik", "Råka av avvik", "Persons affected by a breach"],
            ["varsle dem det gjelder", "varsle dei det gjeld", "to tell those it concerns"],
        ],
        RuleId::IdentityCheck => [
            ["Bekreftelse av identitet", "Stadfesting av identitet", "Identity checks"],
            [
                "hindre svindel og uberettiget tilgang",
                "hindre svindel og urettkomen tilgang",
                "to prevent fraud and unauthorised access",
            ],
        ],
        RuleId::MoneyLaundering => [
            ["Kundekontroll etter hvitvaskingsloven", "Kundekontroll etter kvitvaskingslova", "Customer due diligence"],
            ["hindre hvitvasking", "hindre kvitvasking", "to prevent money laundering"],
        ],
        RuleId::Terms => [
            [
                "Avtaler, erklæringer og hvem som godtok dem",
                "Avtalar, erklæringar og kven som godtok dei",
                "Terms, statements and who accepted them",
            ],
            ["vise hva som gjaldt når", "vise kva som gjaldt når", "to show what applied when"],
        ],
        RuleId::EventSignup => [
            ["Påmeldinger", "Påmeldingar", "Event registrations"],
            ["gjennomføre kurs og arrangementer", "gjennomføre kurs og arrangement", "to run courses and events"],
        ],
        RuleId::Prospect => [
            ["Mulige kunder", "Moglege kundar", "Prospects"],
            [
                "svare på forespørsler om avtale",
                "svare på førespurnader om avtale",
                "to answer enquiries about an agreement",
            ],
        ],
    }
}

/// A legal basis with its place in the regulation.
pub fn basis(of: Basis, language: Language) -> &'static str {
    let text = match of {
        Basis::Consent => [
            "samtykke, artikkel 6 nr. 1 bokstav a",
            "samtykke, artikkel 6 nr. 1 bokstav a",
            "consent, article 6 (1) (a)",
        ],
        Basis::Contract => {
            ["avtale, artikkel 6 nr. 1 bokstav b", "avtale, artikkel 6 nr. 1 bokstav b", "contract, article 6 (1) (b)"]
        }
        Basis::LegalDuty => [
            "rettslig plikt, artikkel 6 nr. 1 bokstav c",
            "rettsleg plikt, artikkel 6 nr. 1 bokstav c",
            "legal obligation, article 6 (1) (c)",
        ],
        Basis::LegitimateInterest => [
            "berettiget interesse, artikkel 6 nr. 1 bokstav f",
            "rettkomen interesse, artikkel 6 nr. 1 bokstav f",
            "legitimate interest, article 6 (1) (f)",
        ],
    };
    say(text, language)
}

/// What a period counts from: "after the relationship ends".
pub fn trigger(of: Trigger, language: Language) -> &'static str {
    let text = match of {
        Trigger::RelationshipEnd => [
            "etter at kundeforholdet er avsluttet",
            "etter at kundeforholdet er avslutta",
            "after the relationship ends",
        ],
        Trigger::FinancialYear => ["etter regnskapsåret", "etter rekneskapsåret", "after the financial year"],
        Trigger::LastDocumentYear => [
            "etter regnskapsåret for det siste bilaget",
            "etter rekneskapsåret for det siste bilaget",
            "after the financial year of the last document",
        ],
        Trigger::PersonLeft => [
            "etter at personen eller kunden har sluttet",
            "etter at personen eller kunden har slutta",
            "after the person or the customer has left",
        ],
        Trigger::LastEdit => ["etter siste endring", "etter siste endring", "after the last change"],
        Trigger::Revoked => [
            "etter tilbaketrekking eller slutten på kundeforholdet",
            "etter tilbaketrekking eller slutten på kundeforholdet",
            "after it is revoked or the relationship ends",
        ],
        Trigger::LastDebit => ["etter siste trekk", "etter siste trekk", "after the last debit"],
        Trigger::FinalStatus => {
            ["etter at sendingen er avsluttet", "etter at sendinga er avslutta", "after delivery is settled"]
        }
        Trigger::Closed => ["etter at saken er avsluttet", "etter at saka er avslutta", "after the case is closed"],
        Trigger::Withdrawn => {
            ["etter at det er trukket tilbake", "etter at det er trekt tilbake", "after it is withdrawn"]
        }
        Trigger::Recorded => ["etter at det ble registrert", "etter at det vart registrert", "after it was recorded"],
        Trigger::SessionEnd => ["etter at økten er over", "etter at økta er over", "after the session ends"],
        Trigger::LastUse => ["etter siste bruk", "etter siste bruk", "after the last use"],
        Trigger::ProfileEnd => {
            ["etter at brukerkontoen er avsluttet", "etter at brukarkontoen er avslutta", "after the profile ends"]
        }
        Trigger::Decided => [
            "når listen er tatt i bruk eller forkastet",
            "når lista er teken i bruk eller forkasta",
            "when the list is applied or discarded",
        ],
        Trigger::Made => ["etter opprettelsen", "etter opprettinga", "after it was made"],
        Trigger::Reviewed => ["etter siste vurdering", "etter siste vurdering", "after the last review"],
        Trigger::Resolved => ["etter at saken er løst", "etter at saka er løyst", "after the matter is resolved"],
        Trigger::LettersSent => {
            ["etter at de berørte er varslet", "etter at dei det gjeld er varsla", "after those concerned were told"]
        }
        Trigger::Superseded => {
            ["etter at en nyere versjon gjelder", "etter at ein nyare versjon gjeld", "after a newer version applies"]
        }
        Trigger::EventEnd => ["etter arrangementet", "etter arrangementet", "after the event"],
        Trigger::LastContact => ["etter siste kontakt", "etter siste kontakt", "after the last contact"],
        Trigger::Never => [
            "uten tidsfrist, fordi det ikke gjelder noen",
            "utan tidsfrist, fordi det ikkje gjeld nokon",
            "without a limit, for it tells of nobody",
        ],
    };
    say(text, language)
}

/// How many customers a number in the statistics stands for at least.
pub(super) fn small_group(customers: u32, language: Language) -> String {
    match language {
        Language::Bokmal => format!("hvert tall gjelder minst {customers} kunder"),
        Language::Nynorsk => format!("kvart tal gjeld minst {customers} kundar"),
        Language::English => format!("each number stands for at least {customers} customers"),
    }
}

/// Why something may be kept longer.
pub fn hold(of: Hold, language: Language) -> &'static str {
    let text = match of {
        Hold::OpenBalance => ["utestående beløp", "uteståande beløp", "open balance"],
        Hold::Dispute => ["tvist", "tvist", "dispute"],
        Hold::Claim => ["rettskrav", "rettskrav", "legal claim"],
        Hold::Order => [
            "pålegg fra myndighet eller domstol",
            "pålegg frå styresmakt eller domstol",
            "order of an authority or a court",
        ],
        Hold::PrivacyRequest => {
            ["ubesvart personvernhenvendelse", "personvernførespurnad utan svar", "privacy request not yet answered"]
        }
        Hold::Security => {
            ["sikkerhetshendelse eller svindel", "tryggleikshending eller svindel", "security incident or fraud"]
        }
    };
    say(text, language)
}

/// A ground for keeping longer, as a statement names it.
pub fn ground(of: Ground, language: Language) -> &'static str {
    let text = match of {
        Ground::Agreement => [
            "for å håndheve og oppfylle avtalen",
            "for å handheve og oppfylle avtalen",
            "to enforce and fulfil the agreement",
        ],
        Ground::LegalDuty => ["når loven krever det", "når lova krev det", "where the law requires it"],
        Ground::Dispute => [
            "for å løse tvister og rettskrav",
            "for å løyse tvistar og rettskrav",
            "to resolve disputes and legal claims",
        ],
        Ground::Security => ["av hensyn til sikkerheten", "av omsyn til tryggleiken", "for security"],
        Ground::Fraud => {
            ["for å hindre svindel og misbruk", "for å hindre svindel og misbruk", "to prevent fraud and abuse"]
        }
    };
    say(text, language)
}

/// Who is told.
pub fn recipient(of: Recipient, language: Language) -> &'static str {
    let text = match of {
        Recipient::MailRelay => ["leverandør av e-post", "leverandør av e-post", "e-mail provider"],
        Recipient::Efaktura => {
            ["bankenes eFaktura-system", "bankane sitt eFaktura-system", "the banks' eFaktura system"]
        }
        Recipient::AccessPoint => ["aksesspunkt for EHF", "aksesspunkt for EHF", "EHF access point"],
        Recipient::Bank => ["banken", "banken", "the bank"],
        Recipient::Host => [
            "leverandør av drift og sikkerhetskopi",
            "leverandør av drift og tryggingskopi",
            "hosting and backup provider",
        ],
    };
    say(text, language)
}

/// On what ground data is handed over outside the EEA.
pub fn transfer(of: Transfer, language: Language) -> &'static str {
    let text = match of {
        Transfer::AdequacyDecision => [
            "beslutning om tilstrekkelig beskyttelsesnivå, artikkel 45",
            "avgjerd om tilstrekkeleg vernenivå, artikkel 45",
            "adequacy decision, article 45",
        ],
        Transfer::StandardContractualClauses => [
            "EUs standardkontrakter, artikkel 46",
            "EUs standardkontraktar, artikkel 46",
            "standard contractual clauses, article 46",
        ],
        Transfer::BindingCorporateRules => [
            "bindende virksomhetsregler, artikkel 47",
            "bindande verksemdsreglar, artikkel 47",
            "binding corporate rules, article 47",
        ],
        Transfer::Derogation => [
            "unntak for særlige situasjoner, artikkel 49",
            "unntak for særlege situasjonar, artikkel 49",
            "derogation for specific situations, article 49",
        ],
    };
    say(text, language)
}

/// How long, in words: "5 years", "3 years and 6 months", "at once".
pub fn period(of: Period, language: Language) -> String {
    let (years, months, days) = of.parts();
    let unit = |n: u32, one: Text, many: Text| {
        (n > 0).then(|| format!("{n}\u{a0}{}", say(if n == 1 { one } else { many }, language)))
    };
    let parts: Vec<String> = [
        unit(years, ["år", "år", "year"], ["år", "år", "years"]),
        unit(months, ["måned", "månad", "month"], ["måneder", "månader", "months"]),
        unit(days, ["dag", "dag", "day"], ["dager", "dagar", "days"]),
    ]
    .into_iter()
    .flatten()
    .collect();
    match parts.as_slice() {
        [] => say(["straks", "straks", "at once"], language).to_owned(),
        parts => parts.join(say([" og ", " og ", " and "], language)),
    }
}

/// Whom something is about.
pub fn subject(of: Subject, language: Language) -> &'static str {
    let text = match of {
        Subject::Nobody => ["ingen", "ingen", "nobody"],
        Subject::Organisation => ["virksomheten selv", "verksemda sjølv", "the organisation itself"],
        Subject::Payer => ["kunder", "kundar", "customers"],
        Subject::ContactPerson => ["kontaktpersoner", "kontaktpersonar", "contact persons"],
        Subject::BankPayer => ["betalere", "betalarar", "payers"],
        Subject::User => ["brukere", "brukarar", "users"],
    };
    say(text, language)
}
