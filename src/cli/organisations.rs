//! Organisations and API keys.

use super::ending::{self, EndingCommand};
use super::{Org, context, print_json, text};
use crate::ctx::Ctx;
use crate::services::access::{self, Scope};
use crate::services::organisation::{
    self, GlAccount, NewAcceptance, NewBankAccount, NewOrganisation, OrganisationPatch,
};
use anyhow::Context;
use chrono::{Days, NaiveTime};
use clap::Subcommand;
use uuid::Uuid;

/// Organisations.
#[derive(Subcommand)]
pub(super) enum OrgCommand {
    /// Sets up an organisation.
    #[command(visible_alias = "setup")]
    Create(Box<CreateArgs>),
    /// Lists organisations.
    List,
    /// Shows an organisation's settings and its general-ledger numbers.
    Show {
        #[command(flatten)]
        org: Org,
    },
    /// Changes settings; what is left out stays.
    Set(Box<SetArgs>),
    /// Accepts the data-processing agreement for an organisation.
    #[command(disable_version_flag = true)]
    AcceptDpa {
        /// The version in force.
        #[arg(long)]
        version: String,
        /// Who accepts: a name or a role, such as "daglig leder".
        #[arg(long, value_name = "WHO")]
        by: Option<String>,
        #[command(flatten)]
        org: Org,
    },
    /// Lists every acceptance of the data-processing agreement.
    Agreements {
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    Ending(EndingCommand),
}

/// Settings to change.
#[derive(clap::Args)]
pub(super) struct SetArgs {
    #[command(flatten)]
    org: Org,
    /// Registered name.
    #[arg(long)]
    name: Option<String>,
    /// Organisation number.
    #[arg(long)]
    org_number: Option<String>,
    /// AS, ASA, ENK, ANS, DA, NUF, SA, FLI, STI, BRL, ESEK or OTHER.
    #[arg(long)]
    legal_form: Option<String>,
    /// Stands in the VAT register: true or false.
    #[arg(long)]
    vat_registered: Option<bool>,
    /// Street or box.
    #[arg(long)]
    street: Option<String>,
    /// Postal code.
    #[arg(long)]
    postal_code: Option<String>,
    /// Post town.
    #[arg(long)]
    city: Option<String>,
    /// Contact address.
    #[arg(long)]
    email: Option<String>,
    /// Telephone.
    #[arg(long)]
    phone: Option<String>,
    /// Where its privacy statement is.
    #[arg(long)]
    privacy_url: Option<String>,
    /// Language of its documents: nb, nn or en.
    #[arg(long)]
    language: Option<String>,
    /// Days from invoice date to due date.
    #[arg(long)]
    terms_days: Option<u16>,
    /// First month of the financial year, 1 to 12.
    #[arg(long)]
    fiscal_year_start_month: Option<u8>,
    /// Name mails come from.
    #[arg(long)]
    sender_name: Option<String>,
    /// Address mails come from.
    #[arg(long)]
    sender_email: Option<String>,
    /// Address answers go to, when it is another.
    #[arg(long)]
    reply_to: Option<String>,
    /// Percent of active customers a full list may end without force.
    #[arg(long)]
    guard_percent: Option<u8>,
    /// Days between vanishing from a full list and the end of the relationship.
    #[arg(long)]
    ending_grace_days: Option<u16>,
    /// Largest difference that may be written off an invoice, in øre.
    #[arg(long)]
    write_off_limit_ore: Option<u32>,
    /// Channels for consumers in order, such as efaktura,mail,print.
    #[arg(long)]
    channels_person: Option<String>,
    /// Channels for businesses in order, such as ehf,mail,print.
    #[arg(long)]
    channels_business: Option<String>,
    /// Channels that may be used for protected identities; empty for none.
    #[arg(long)]
    safe_channels: Option<String>,
    /// Registers the organisation with the eFaktura gateway, with all its accounts.
    #[arg(long)]
    register_efaktura: bool,
    /// PNG or JPEG for the documents issued from now on; `none` takes it off.
    #[arg(long)]
    logo: Option<String>,
    /// Number of the first invoice; once, before one is issued.
    #[arg(long)]
    first_invoice_number: Option<u64>,
    /// General-ledger number of a role, such as receivable=1510 or revenue:3=3010; may be repeated.
    #[arg(long = "gl", value_name = "ROLE[:CODE]=NUMBER")]
    gl: Vec<String>,
    /// Version of the data-processing agreement you accept.
    #[arg(long)]
    accept_dpa: Option<String>,
}

impl SetArgs {
    fn patch(&self) -> OrganisationPatch {
        let text = |t: &Option<String>| t.clone().map(|t| Some(t).filter(|t| !t.is_empty()));
        OrganisationPatch {
            name: self.name.clone(),
            org_number: text(&self.org_number),
            legal_form: self.legal_form.clone(),
            vat_registered: self.vat_registered,
            street: text(&self.street),
            street2: None,
            postal_code: text(&self.postal_code),
            city: text(&self.city),
            email: text(&self.email),
            phone: text(&self.phone),
            privacy_url: text(&self.privacy_url),
            language: self.language.clone(),
            terms_days: self.terms_days,
            fiscal_year_start_month: self.fiscal_year_start_month,
            sender_name: self.sender_name.clone(),
            sender_email: self.sender_email.clone(),
            reply_to: text(&self.reply_to),
            guard_percent: self.guard_percent,
            ending_grace_days: self.ending_grace_days,
            write_off_limit_ore: self.write_off_limit_ore,
            default_bank_account_id: None,
            channels_person: self.channels_person.clone(),
            channels_business: self.channels_business.clone(),
            safe_channels: self.safe_channels.clone(),
        }
    }
}

async fn set(args: &SetArgs) -> anyhow::Result<()> {
    let ctx = context().await?;
    let actor = args.org.actor(&ctx).await?;
    let mut accounts = Vec::new();
    for pair in &args.gl {
        let (account, number) = pair.split_once('=').context("--gl is ROLE[:CODE]=NUMBER")?;
        let (role, code) = account.split_once(':').unwrap_or((account, ""));
        let number = Some(number.to_owned()).filter(|n| !n.is_empty());
        accounts.push(GlAccount { role: role.to_owned(), code: code.to_owned(), number });
    }
    organisation::patch(&ctx, &actor, None, args.patch()).await?;
    if !accounts.is_empty() {
        organisation::set_gl_accounts(&ctx, &actor, &accounts).await?;
    }
    if let Some(version) = &args.accept_dpa {
        let accepted = NewAcceptance { version: version.clone(), accepted_by: None };
        organisation::accept_dpa(&ctx, &actor, &accepted).await?;
    }
    if args.register_efaktura {
        let status = crate::services::delivery::register_efaktura(&ctx, &actor).await?;
        println!("eFaktura: {status}.");
    }
    if let Some(first) = args.first_invoice_number {
        organisation::start_series(&ctx, &actor, "invoice", first).await?;
    }
    match args.logo.as_deref() {
        None => {}
        Some("none") => organisation::set_logo(&ctx, &actor, None).await?,
        Some(path) => {
            let image = std::fs::read(path).with_context(|| format!("{path} cannot be read"))?;
            organisation::set_logo(&ctx, &actor, Some(&image)).await?;
        }
    }
    show(&args.org).await
}

async fn show(org: &Org) -> anyhow::Result<()> {
    let ctx = context().await?;
    let actor = org.actor(&ctx).await?;
    let tx = ctx.db.read(actor.org).await?;
    let found = crate::store::organisation::find(&tx).await?.context("there is no such organisation")?;
    tx.commit().await?;
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let place = [found.street, found.postal_code, found.city].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let to_accept = organisation::is_to_accept(&ctx, found.dpa_version.as_deref());
    let on = found.dpa_accepted_at.map(|at| format!(", accepted {}", at.format("%Y-%m-%d"))).unwrap_or_default();
    let accepted = found.dpa_version.map(|version| version + &on);
    let rows = [
        ("name", found.name),
        ("organisation number", found.org_number.unwrap_or_default()),
        ("legal form", found.legal_form),
        ("in the VAT register", yes(found.vat_registered)),
        ("address", place),
        ("contact", found.email.unwrap_or_default()),
        ("mails come from", format!("{} <{}>", found.sender_name, found.sender_email)),
        ("language", found.language),
        ("terms", format!("{} days", found.terms_days)),
        ("financial year begins in month", found.fiscal_year_start_month.to_string()),
        ("guard of full lists", format!("{} %", found.guard_percent)),
        ("grace before ending", format!("{} days", found.ending_grace_days)),
        ("differences written off up to", text::kr(found.write_off_limit_ore)),
        ("logo", yes(found.logo.is_some())),
        ("data-processing agreement", accepted.unwrap_or_else(|| "not accepted".to_owned())),
    ];
    for (name, value) in rows {
        println!("{name:<32}{value}");
    }
    println!("\nGeneral ledger");
    for account in organisation::gl_accounts(&ctx, &actor).await? {
        let name = [account.role, account.code].join(" ");
        println!("{name:<32}{}", account.number.unwrap_or_default());
    }
    if to_accept {
        warn_of_agreement(&ctx, actor.org);
    }
    if let Some(set) = organisation::ending(&ctx, &actor).await? {
        println!();
        ending::show(&set);
    }
    Ok(())
}

fn warn_of_agreement(ctx: &Ctx, org: Uuid) {
    let version = &ctx.config.privacy.dpa_version;
    println!("\nVersion {version} of the data-processing agreement is in force and not accepted yet:");
    println!("  reskontro org accept-dpa --version {version} --by \"WHO\" --org {org}");
}

async fn accept(org: &Org, version: &str, by: Option<&str>) -> anyhow::Result<()> {
    let ctx = context().await?;
    let actor = org.actor(&ctx).await?;
    let new = NewAcceptance { version: version.to_owned(), accepted_by: by.map(str::to_owned) };
    organisation::accept_dpa(&ctx, &actor, &new).await?;
    let stands = organisation::dpa(&ctx, &actor).await?;
    if let Some(newest) = stands.acceptances.first() {
        println!("Version {} is accepted, since {}.", newest.version, newest.accepted_at.format("%Y-%m-%d"));
    }
    Ok(())
}

async fn agreements(org: &Org, json: bool) -> anyhow::Result<()> {
    let ctx = context().await?;
    let actor = org.actor(&ctx).await?;
    let stands = organisation::dpa(&ctx, &actor).await?;
    if json {
        return print_json(&stands);
    }
    if stands.acceptances.is_empty() {
        println!("No version of the data-processing agreement was accepted yet.");
    } else {
        let mut rows = vec![["version", "accepted", "by", "in force until"].map(str::to_owned).to_vec()];
        for a in stands.acceptances {
            let until = a.superseded_at.map_or_else(|| "-".to_owned(), |at| at.format("%Y-%m-%d").to_string());
            let hand = match a.actor_kind.as_str() {
                "api_key" => "an API key",
                "user" => "a user",
                _ => "the operator",
            };
            let by = a.accepted_by.unwrap_or_else(|| hand.to_owned());
            rows.push(vec![a.version, a.accepted_at.format("%Y-%m-%d").to_string(), by, until]);
        }
        print!("{}", text::left(&rows, ""));
    }
    if stands.to_accept {
        warn_of_agreement(&ctx, actor.org);
    }
    Ok(())
}

/// What an organisation is set up with.
#[derive(clap::Args)]
pub(super) struct CreateArgs {
    /// Registered name.
    #[arg(long)]
    name: String,
    /// Organisation number.
    #[arg(long)]
    org_number: Option<String>,
    /// AS, ASA, ENK, ANS, DA, NUF, SA, FLI, STI, BRL, ESEK or OTHER.
    #[arg(long)]
    legal_form: String,
    /// Stands in the VAT register.
    #[arg(long)]
    vat_registered: bool,
    /// Street or box.
    #[arg(long)]
    street: Option<String>,
    /// Postal code.
    #[arg(long)]
    postal_code: Option<String>,
    /// Post town.
    #[arg(long)]
    city: Option<String>,
    /// Contact and sender address.
    #[arg(long)]
    email: String,
    /// Telephone.
    #[arg(long)]
    phone: Option<String>,
    /// Days from invoice date to due date.
    #[arg(long, default_value_t = 14)]
    terms_days: u16,
    /// Account customers pay to, eleven digits.
    #[arg(long)]
    account: Option<String>,
    /// mod10 or mod11, as registered with the bank.
    #[arg(long, default_value = "mod10")]
    kid_modulus: String,
    /// Digits of the customer part of a KID.
    #[arg(long, default_value_t = 7)]
    kid_customer_digits: u8,
    /// Digits of the invoice part of a KID.
    #[arg(long, default_value_t = 7)]
    kid_invoice_digits: u8,
    /// Number of the first invoice, to go on where an old system ended.
    #[arg(long)]
    first_invoice_number: Option<u32>,
    /// Version of the data-processing agreement you accept.
    #[arg(long)]
    accept_dpa: Option<String>,
    /// Privacy policy it starts with: association-billing, invoicing-platform, accounting-firm, accounting-marketplace or
    /// erp; by its legal form when left out.
    #[arg(long)]
    privacy_preset: Option<String>,
}

pub(super) async fn org(command: OrgCommand) -> anyhow::Result<()> {
    match command {
        OrgCommand::Set(args) => set(&args).await?,
        OrgCommand::Show { org } => show(&org).await?,
        OrgCommand::AcceptDpa { version, by, org } => accept(&org, &version, by.as_deref()).await?,
        OrgCommand::Agreements { org, json } => agreements(&org, json).await?,
        OrgCommand::Ending(command) => ending::run(command).await?,
        OrgCommand::List => {
            let ctx = context().await?;
            let tx = ctx.db.system().await?;
            let all = crate::store::organisation::list_ids(&tx).await?;
            tx.commit().await?;
            for id in all {
                let tx = ctx.db.read(id).await?;
                if let Some(org) = crate::store::organisation::find(&tx).await? {
                    println!("{id}  {}", org.name);
                }
            }
        }
        OrgCommand::Create(args) => {
            let ctx = context().await?;
            let accepted = args.accept_dpa.is_some();
            let id = organisation::create(&ctx, (*args).into()).await?;
            println!("{id}");
            if !accepted {
                let version = &ctx.config.privacy.dpa_version;
                println!("Accept the data-processing agreement before importing:");
                println!("  reskontro org accept-dpa --version {version} --org {id}");
            }
        }
    }
    Ok(())
}

impl From<CreateArgs> for NewOrganisation {
    fn from(args: CreateArgs) -> Self {
        Self {
            name: args.name,
            org_number: args.org_number,
            legal_form: args.legal_form,
            vat_registered: args.vat_registered,
            street: args.street,
            postal_code: args.postal_code,
            city: args.city,
            email: args.email,
            phone: args.phone,
            privacy_url: None,
            language: "nb".to_owned(),
            terms_days: args.terms_days,
            fiscal_year_start_month: 1,
            first_invoice_number: args.first_invoice_number,
            accept_dpa: args.accept_dpa,
            privacy_preset: args.privacy_preset,
            bank_account: args.account.map(|account_no| NewBankAccount {
                account_no,
                name: String::new(),
                kid_modulus: args.kid_modulus,
                kid_customer_digits: args.kid_customer_digits,
                kid_invoice_digits: args.kid_invoice_digits,
            }),
        }
    }
}

/// API keys.
#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// Makes a key and shows it this once.
    Create {
        #[command(flatten)]
        org: Org,
        /// What the key is for.
        #[arg(long)]
        name: String,
        /// read, write, admin or operator: the last runs the installation, for all its organisations.
        #[arg(long, default_value = "write")]
        scope: String,
        /// Days it lasts; for ever when left out.
        #[arg(long)]
        days: Option<u64>,
    },
}

pub(super) async fn key(command: KeyCommand) -> anyhow::Result<()> {
    let KeyCommand::Create { org, name, scope, days } = command;
    let scope = Scope::parse(&scope).context("--scope is read, write, admin or operator")?;
    let ctx = context().await?;
    let actor = org.actor(&ctx).await?;
    let until = days.and_then(|d| ctx.today().checked_add_days(Days::new(d)));
    let until = until.map(|d| d.and_time(NaiveTime::MIN).and_utc());
    let key = access::create_key(&ctx, &actor, &name, scope, until).await?;
    println!("{}", key.text);
    Ok(())
}
