//! The routes under `/api/v1`, one file a noun.

mod backups;
mod banking;
mod billing;
mod breaches;
mod customers;
mod deliveries;
mod endings;
mod erasures;
mod notices;
mod organisation;
mod privacy;
mod processors;
mod readings;
mod registry;
mod reports;
mod requests;
mod sign_ins;
mod webhooks;

use crate::ctx::Ctx;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Reskontro",
        description = "Invoicing and accounts receivable. Amounts `*_ore` are whole øre; prices, quantities and rates \
                       are decimal strings; `*_on` are dates, `*_at` RFC 3339 instants. Problems are RFC 9457 with a \
                       stable `code`. POST takes an `Idempotency-Key`; PATCH, and PUT of a webhook endpoint, demands `If-Match`. How an \
                       organisation treats personal data is read at `/privacy/{organisation}`."
    ),
    security(("api_key" = [])),
    modifiers(&ApiKey)
)]
struct Document;

struct ApiKey;

impl utoipa::Modify for ApiKey {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key, `rk_…`.")).build();
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("api_key", SecurityScheme::Http(scheme));
    }
}

/// The OpenAPI document with every path as it is served.
pub(super) fn document() -> utoipa::openapi::OpenApi {
    let (_, mut openapi) = collect(64 * 1024 * 1024, 64 * 1024 * 1024).split_for_parts();
    let mut base = Document::openapi();
    let paths = std::mem::take(&mut openapi.paths.paths);
    openapi.paths.paths = paths.into_iter().map(|(path, item)| (format!("/api/v1{path}"), item)).collect();
    base.merge(openapi);
    base
}

/// The routes and their part of the OpenAPI document.
pub(super) fn routes(ctx: &Ctx) -> (Router<Ctx>, utoipa::openapi::OpenApi) {
    collect(ctx.config.limits.customer_list_bytes, ctx.config.limits.bank_file_bytes).split_for_parts()
}

fn collect(list_bytes: usize, bank_bytes: usize) -> OpenApiRouter<Ctx> {
    let uploads = OpenApiRouter::new().routes(routes!(customers::plan_sync)).layer(DefaultBodyLimit::max(list_bytes));
    let bank = OpenApiRouter::new()
        .routes(routes!(banking::list_bank_files, banking::import_bank_file))
        .layer(DefaultBodyLimit::max(bank_bytes));
    OpenApiRouter::new()
        .merge(organisation_routes())
        .merge(customers_routes())
        .merge(registry_routes())
        .merge(billing_routes())
        .merge(banking_routes())
        .merge(deliveries_routes())
        .merge(reports_routes())
        .merge(webhooks_routes())
        .merge(privacy_routes())
        .merge(backups_routes())
        .merge(uploads)
        .merge(bank)
}

fn organisation_routes() -> OpenApiRouter<Ctx> {
    OpenApiRouter::new()
        .routes(routes!(organisation::get_organisation, organisation::patch_organisation))
        .routes(routes!(organisation::get_dpa, organisation::accept_dpa))
        .routes(routes!(organisation::list_bank_accounts, organisation::add_bank_account))
        .routes(routes!(organisation::put_logo, organisation::delete_logo))
        .routes(routes!(organisation::start_series))
        .routes(routes!(organisation::list_gl_accounts, organisation::set_gl_accounts))
        .routes(routes!(organisation::list_vat_codes, organisation::add_vat_code))
        .routes(routes!(organisation::list_api_keys, organisation::create_api_key))
        .routes(routes!(organisation::revoke_api_key))
        .routes(routes!(sign_ins::list_sign_ins))
        .routes(routes!(sign_ins::list_blocks, sign_ins::block_address))
        .routes(routes!(sign_ins::review_block))
        .routes(routes!(sign_ins::unblock_address))
}

fn customers_routes() -> OpenApiRouter<Ctx> {
    OpenApiRouter::new()
        .routes(routes!(customers::list_customers, customers::create_customer))
        .routes(routes!(customers::search_customers))
        .routes(routes!(customers::get_customer, customers::patch_customer))
        .routes(routes!(customers::end_customer))
        .routes(routes!(customers::reopen_customer))
        .routes(routes!(customers::renumber_customer))
        .routes(routes!(customers::put_document_address, customers::delete_document_address))
        .routes(routes!(customers::put_mail_ground))
        .routes(routes!(customers::list_contacts, customers::add_contact))
        .routes(routes!(customers::remove_contact))
        .routes(routes!(customers::list_notes, customers::add_note))
        .routes(routes!(customers::close_note))
        .routes(routes!(customers::set_mapping))
        .routes(routes!(customers::get_sync))
        .routes(routes!(customers::get_sync_changes))
        .routes(routes!(customers::apply_sync))
        .routes(routes!(customers::discard_sync))
}

fn registry_routes() -> OpenApiRouter<Ctx> {
    OpenApiRouter::new()
        .routes(routes!(registry::list_products, registry::create_product))
        .routes(routes!(registry::get_product, registry::patch_product))
        .routes(routes!(registry::list_standing_orders, registry::create_standing_order))
        .routes(routes!(registry::get_standing_order, registry::patch_standing_order))
}

fn billing_routes() -> OpenApiRouter<Ctx> {
    OpenApiRouter::new()
        .routes(routes!(billing::list_invoices, billing::create_draft))
        .routes(routes!(billing::get_invoice))
        .routes(routes!(billing::revoke_payer_link))
        .routes(routes!(billing::get_draft, billing::patch_draft, billing::delete_draft))
        .routes(routes!(billing::issue_draft))
        .routes(routes!(billing::credit_invoice))
        .routes(routes!(billing::invoice_pdf))
        .routes(routes!(billing::invoice_html))
        .routes(routes!(billing::invoice_xml))
        .routes(routes!(billing::write_off))
        .routes(routes!(billing::list_runs, billing::start_run))
        .routes(routes!(billing::preview_run))
        .routes(routes!(billing::get_run))
        .routes(routes!(billing::stop_run))
        .routes(routes!(billing::run_skips))
        .routes(routes!(billing::credit_run))
}

fn banking_routes() -> OpenApiRouter<Ctx> {
    OpenApiRouter::new()
        .routes(routes!(banking::get_bank_file))
        .routes(routes!(banking::list_payments, banking::register_payment))
        .routes(routes!(banking::get_payment))
        .routes(routes!(banking::allocate_payment))
        .routes(routes!(banking::confirm_payment))
        .routes(routes!(banking::reverse_payment))
        .routes(routes!(banking::refund_payment))
        .routes(routes!(banking::list_mandates))
        .routes(routes!(banking::take_over_items, reports::list_opening_items))
        .routes(routes!(banking::take_over_kids))
}

fn deliveries_routes() -> OpenApiRouter<Ctx> {
    OpenApiRouter::new()
        .routes(routes!(deliveries::list_deliveries))
        .routes(routes!(deliveries::get_delivery))
        .routes(routes!(deliveries::resend_delivery))
        .routes(routes!(deliveries::cancel_delivery))
        .routes(routes!(deliveries::redirect_delivery))
        .routes(routes!(deliveries::bulk_deliveries))
        .routes(routes!(deliveries::list_print_queue))
        .routes(routes!(deliveries::print_queue_pdf))
        .routes(routes!(deliveries::mark_posted))
        .routes(routes!(deliveries::allow_address))
        .routes(routes!(deliveries::register_efaktura))
        .routes(routes!(deliveries::invoice_timeline))
}

fn reports_routes() -> OpenApiRouter<Ctx> {
    OpenApiRouter::new()
        .routes(routes!(reports::progress))
        .routes(routes!(reports::customer_ledger))
        .routes(routes!(reports::open_items))
        .routes(routes!(reports::number_series))
        .routes(routes!(reports::list_exports, reports::create_export))
        .routes(routes!(reports::export_csv))
        .routes(routes!(reports::verify_ledger))
        .routes(routes!(reports::audit_events))
        .routes(routes!(reports::audit_chain))
        .routes(routes!(reports::list_statistics))
}

fn webhooks_routes() -> OpenApiRouter<Ctx> {
    OpenApiRouter::new()
        .routes(routes!(webhooks::list_endpoints, webhooks::create_endpoint))
        .routes(routes!(webhooks::get_endpoint, webhooks::put_endpoint, webhooks::delete_endpoint))
        .routes(routes!(webhooks::rotate_secret))
        .routes(routes!(webhooks::enable_endpoint))
        .routes(routes!(webhooks::disable_endpoint))
        .routes(routes!(webhooks::replay_messages))
        .routes(routes!(webhooks::list_messages))
        .routes(routes!(webhooks::list_events))
}

fn backups_routes() -> OpenApiRouter<Ctx> {
    OpenApiRouter::new()
        .routes(routes!(backups::list_backups, backups::start_backup))
        .routes(routes!(backups::get_certificate))
        .routes(routes!(backups::verify_backup))
}

fn privacy_routes() -> OpenApiRouter<Ctx> {
    OpenApiRouter::new()
        .routes(routes!(privacy::get_policy))
        .routes(routes!(privacy::list_policies, privacy::publish_policy))
        .routes(routes!(privacy::approve_policy))
        .routes(routes!(privacy::list_statements, privacy::publish_statement))
        .routes(routes!(notices::get_standing))
        .routes(routes!(notices::get_notice, notices::send_notice))
        .routes(routes!(notices::list_acceptances, notices::accept_statement))
        .routes(routes!(processors::list_processors))
        .routes(routes!(privacy::list_retention_plans, privacy::make_retention_plan))
        .routes(routes!(privacy::get_retention_plan))
        .routes(routes!(privacy::execute_retention_plan))
        .routes(routes!(privacy::list_holds, privacy::place_hold))
        .routes(routes!(privacy::review_hold))
        .routes(routes!(privacy::release_hold))
        .routes(routes!(privacy::explain_customer))
        .routes(routes!(privacy::explain_contact))
        .routes(routes!(privacy::explain_invoice))
        .routes(routes!(privacy::explain_payment))
        .routes(routes!(privacy::explain_user))
        .routes(routes!(readings::list_reads))
        .routes(routes!(breaches::list_breaches, breaches::open_breach))
        .routes(routes!(breaches::get_breach, breaches::patch_breach))
        .routes(routes!(breaches::list_people, breaches::find_people))
        .routes(routes!(breaches::send_letters))
        .routes(routes!(breaches::letters_on_paper))
        .routes(routes!(breaches::letters_posted))
        .routes(routes!(breaches::draft_notice))
        .routes(routes!(breaches::breach_notified))
        .routes(routes!(breaches::close_breach))
        .routes(routes!(erasures::preview_erasure))
        .routes(routes!(erasures::list_erasures, erasures::erase_person))
        .routes(routes!(erasures::get_erasure))
        .routes(routes!(erasures::get_certificate))
        .routes(routes!(erasures::readmit_number))
        .routes(routes!(erasures::read_archive))
        .routes(routes!(endings::list_hand_overs, endings::make_hand_over))
        .routes(routes!(endings::confirm_hand_over))
        .routes(routes!(endings::get_ending, endings::set_ending, endings::call_ending_off))
        .routes(routes!(endings::preview_ending))
        .routes(routes!(requests::list_requests, requests::receive_request))
        .routes(routes!(requests::get_request))
        .routes(routes!(requests::get_receipt))
        .routes(routes!(requests::sort_request))
        .routes(routes!(requests::send_request_code))
        .routes(routes!(requests::confirm_request_code))
        .routes(routes!(requests::identify_request))
        .routes(routes!(requests::extend_request))
        .routes(routes!(requests::decide_request))
        .routes(routes!(requests::recipient_told))
        .routes(routes!(requests::get_package))
        .routes(routes!(requests::make_package_link))
        .routes(routes!(requests::lift_restriction))
        .routes(routes!(requests::review_restriction))
        .routes(routes!(requests::list_restrictions))
        .routes(routes!(requests::list_consequences))
        .routes(routes!(requests::list_consents, requests::give_consent))
        .routes(routes!(requests::withdraw_consents))
}
