//! Organisations and API keys.

use super::{Org, context};
use crate::services::access::{self, Scope};
use crate::services::organisation::{self, DPA_VERSION, NewBankAccount, NewOrganisation};
use anyhow::Context;
use chrono::{Days, NaiveTime};
use clap::Subcommand;

/// Organisations.
#[derive(Subcommand)]
pub(super) enum OrgCommand {
    /// Sets up an organisation.
    Create(Box<CreateArgs>),
    /// Lists organisations.
    List,
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
    /// Version of the data-processing agreement you accept.
    #[arg(long)]
    accept_dpa: Option<String>,
}

pub(super) async fn org(command: OrgCommand) -> anyhow::Result<()> {
    let ctx = context().await?;
    match command {
        OrgCommand::List => {
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
            let accepted = args.accept_dpa.is_some();
            let id = organisation::create(&ctx, (*args).into()).await?;
            println!("{id}");
            if !accepted {
                println!("Accept the data-processing agreement before importing: --accept-dpa {DPA_VERSION}");
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
            accept_dpa: args.accept_dpa,
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
        /// read, write or admin.
        #[arg(long, default_value = "write")]
        scope: String,
        /// Days it lasts; for ever when left out.
        #[arg(long)]
        days: Option<u64>,
    },
}

pub(super) async fn key(command: KeyCommand) -> anyhow::Result<()> {
    let KeyCommand::Create { org, name, scope, days } = command;
    let scope = Scope::parse(&scope).context("--scope is read, write or admin")?;
    let ctx = context().await?;
    let actor = org.actor(&ctx).await?;
    let until = days.and_then(|d| ctx.today().checked_add_days(Days::new(d)));
    let until = until.map(|d| d.and_time(NaiveTime::MIN).and_utc());
    let key = access::create_key(&ctx, &actor, &name, scope, until).await?;
    println!("{}", key.text);
    Ok(())
}
