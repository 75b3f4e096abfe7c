//! Organisations, products and customers the tests begin with.

use super::TestApp;
use domain::money::Micro;
use domain::privacy::Preset;
use formats::customer_list::Mode;
use reskontro::services::Actor;
use reskontro::services::customer::{self, Input, PlanReport};
use reskontro::services::invoice::{self, NewDraft};
use reskontro::services::organisation::{self, DPA_VERSION, NewBankAccount, NewOrganisation};
use reskontro::services::product::{self, NewProduct};
use uuid::Uuid;

/// The account the test organisation is paid to.
pub const ACCOUNT: &str = "12345678903";

/// An association that is not in the VAT register.
pub fn association() -> NewOrganisation {
    NewOrganisation {
        name: "Fjellbygda idrettslag".into(),
        org_number: Some("312345676".into()),
        legal_form: "FLI".into(),
        vat_registered: false,
        street: Some("Idrettsveien 1".into()),
        postal_code: Some("7760".into()),
        city: Some("Snåsa".into()),
        email: "kasserer@fjellbygda.example".into(),
        phone: None,
        privacy_url: Some("fjellbygda.example/personvern".into()),
        language: "nb".into(),
        terms_days: 14,
        fiscal_year_start_month: 1,
        first_invoice_number: None,
        accept_dpa: Some(DPA_VERSION.into()),
        privacy_preset: None,
        bank_account: Some(NewBankAccount {
            account_no: ACCOUNT.into(),
            name: "Drift".into(),
            kid_modulus: "mod10".into(),
            kid_customer_digits: 7,
            kid_invoice_digits: 7,
        }),
    }
}

/// A draft for a customer: one of product A.
pub fn one_of_a(customer_id: Uuid) -> NewDraft {
    NewDraft::of_one(customer_id, "A")
}

impl TestApp {
    /// Issues an invoice of one of product A to a customer.
    pub async fn issue(&self, actor: &Actor, customer: Uuid) -> Uuid {
        let id = invoice::create_draft(&self.ctx, actor, &one_of_a(customer)).await.unwrap();
        invoice::issue_draft(&self.ctx, actor, id).await.unwrap();
        id
    }

    /// Sets up the association and returns somebody who acts for it.
    pub async fn association(&self) -> Actor {
        Actor::operator(organisation::create(&self.ctx, association()).await.unwrap())
    }

    /// An organisation that lives by a preset, with a telephone.
    pub async fn association_by(&self, preset: Preset) -> Actor {
        let phone = Some("+4774150000".into());
        let privacy_preset = Some(preset.as_str().into());
        let new = NewOrganisation { phone, privacy_preset, bank_account: None, ..association() };
        Actor::operator(organisation::create(&self.ctx, new).await.unwrap())
    }

    /// A product.
    pub async fn product(&self, actor: &Actor, number: &str, name: &str, price: &str) {
        let new = NewProduct {
            number: number.into(),
            name: name.into(),
            unit: "H87".into(),
            unit_price: Micro::parse(price).unwrap(),
            vat_code: "6".into(),
            every_months: 12,
        };
        product::create(&self.ctx, actor, new).await.unwrap();
    }

    /// Plans and applies a customer list.
    pub async fn sync(&self, actor: &Actor, bytes: &[u8], mode: Mode) -> PlanReport {
        let report = customer::plan(&self.ctx, actor, &Input { bytes, mode }).await.unwrap();
        customer::apply(&self.ctx, actor, report.id, true).await.unwrap();
        report
    }
}
