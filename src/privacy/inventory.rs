//! Every column of every table, classified: whom it is about, and the clock of the retention matrix it lives by.

use domain::privacy::{RuleId, Subject};

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Category in words.
    pub category: &'static str,
    /// Whom it is about.
    pub subject: Subject,
    /// The clocks it lives by; purpose and ground are theirs. None: it is about nobody, or lives and goes with the
    /// organisation.
    pub rules: &'static [RuleId],
}

/// Columns of one table of one class.
pub struct Entry {
    /// The table.
    pub table: &'static str,
    /// Column names, parted by blanks.
    pub columns: &'static str,
    /// What they are.
    pub class: Class,
}

const fn class(category: &'static str, subject: Subject, rules: &'static [RuleId]) -> Class {
    Class { category, subject, rules }
}

const STRUCTURE: Class = class("structure", Subject::Nobody, &[]);
const ORGANISATION: Class = class("organisation", Subject::Organisation, &[]);
const ACCESS: Class = class("access keys", Subject::Organisation, &[]);
const USER: Class = class("user account", Subject::User, &[RuleId::AppUser]);
const SESSION: Class = class("session", Subject::User, &[RuleId::Session]);
const CORE: Class = class("customer core", Subject::Payer, &[RuleId::CustomerCore]);
const MASTER: Class = class("customer master", Subject::Payer, &[RuleId::CustomerMaster]);
const CONTACT: Class = class("contact person", Subject::ContactPerson, &[RuleId::ContactPerson]);
const ISSUED: Class = class("issued document", Subject::Payer, &[RuleId::IssuedDocument]);
const DRAFT: Class = class("draft invoice", Subject::Payer, &[RuleId::Draft]);
const LEDGER: Class = class("ledger", Subject::Payer, &[RuleId::Ledger]);
const PAYMENT: Class = class("payment", Subject::Payer, &[RuleId::Payment, RuleId::UnmatchedPayment]);
const PAYER: Class = class("payer's account", Subject::BankPayer, &[RuleId::Payment, RuleId::UnmatchedPayment]);
const OPEN: Class = class("open item", Subject::Payer, &[RuleId::OpenItem]);
const EFAKTURA: Class = class("eFaktura reference", Subject::Payer, &[RuleId::EfakturaReference]);
const MANDATE: Class = class("mandate", Subject::Payer, &[RuleId::Mandate]);
const DELIVERY: Class = class("delivery log", Subject::Payer, &[RuleId::DeliveryLog]);
const ADDRESS: Class = class("delivery address", Subject::Payer, &[RuleId::DeliveryAddress]);
const LINK: Class = class("payer's link", Subject::Payer, &[RuleId::DeliveryAddress]);
const PAYER_SESSION: Class = class("payer's session", Subject::Payer, &[RuleId::Session]);
const AUDIT: Class = class("audit log", Subject::User, &[RuleId::AuditBooks, RuleId::AuditOther]);
const PLAN: Class = class("sync plan", Subject::Payer, &[RuleId::SyncPlan]);
const BANK_FILE: Class = class("bank file", Subject::BankPayer, &[RuleId::BankFile]);
const AGREEMENT: Class = class("acceptance of terms", Subject::Organisation, &[RuleId::Terms]);
const ACCEPTOR: Class = class("acceptance of terms", Subject::User, &[RuleId::Terms]);
/// Ids only: it stays when the person is erased, until its own time is over.
const READING: Class = class("read of their data", Subject::Payer, &[RuleId::AccessLog]);
/// Who read is not told to the person read about (C-579/21).
const READER: Class = class("read of personal data", Subject::User, &[RuleId::AccessLog]);
/// Who signed in, or tried to.
const SIGN_IN: Class = class("sign-in", Subject::User, &[RuleId::AccessLog]);
/// It stays when the person is erased, until its own time is over.
const CODE: Class = class("code typed on a payer's page", Subject::Payer, &[RuleId::AccessLog]);
const BLOCK: Class = class("blocked address", Subject::User, &[RuleId::BlockedAddress]);
const ERASURE: Class = class("erasure", Subject::Payer, &[RuleId::Certificate]);
const ERASED: Class = class("mark of an erased number", Subject::Payer, &[RuleId::ErasureMark]);
const REQUEST: Class = class("request of a person", Subject::Payer, &[RuleId::PrivacyCase]);
const NOTE: Class = class("note of a contact", Subject::Payer, &[RuleId::SupportCase, RuleId::Correspondence]);
const NOTE_AUTHOR: Class = class("note of a contact", Subject::User, &[RuleId::SupportCase, RuleId::Correspondence]);
const LETTER: Class = class("correspondence", Subject::Payer, &[RuleId::Correspondence]);
const LETTER_AUTHOR: Class = class("correspondence", Subject::User, &[RuleId::Correspondence]);
const CONSENT: Class = class("consent", Subject::Payer, &[RuleId::Consent]);
const BREACH: Class = class("breach register", Subject::Organisation, &[RuleId::BreachCase]);
/// Ids only. It stays when the person is erased, as a legal duty, until letters and twelve months.
const AFFECTED: Class = class("concerned by a breach", Subject::Payer, &[RuleId::BreachPersons]);
/// Ids only. It stays when the person is erased: that they were told is proven by it until another statement's five years.
const TOLD: Class = class("notice of a changed statement", Subject::Payer, &[RuleId::Terms]);
/// What they stand for is too many to be anybody; the clock says that they are kept, and by which policies.
const STATISTICS: Class = class("statistics", Subject::Nobody, &[RuleId::Statistics]);
const HOLD: Class = class("hold", Subject::Payer, &[RuleId::DisputeCase]);

const fn entry(table: &'static str, columns: &'static str, class: Class) -> Entry {
    Entry { table, columns, class }
}

/// Every column of every table.
pub const INVENTORY: &[Entry] = &[
    entry("org_directory", "org_id sync_counter next_kid_customer_no created_at gone_at", STRUCTURE),
    entry("organisation", "org_id version next_voucher_no created_at updated_at", STRUCTURE),
    entry(
        "organisation",
        "name org_number legal_form vat_registered street street2 postal_code city country email phone",
        ORGANISATION,
    ),
    entry(
        "organisation",
        "privacy_url language terms_days fiscal_year_start_month sender_name sender_email reply_to",
        ORGANISATION,
    ),
    entry(
        "organisation",
        "guard_percent ending_grace_days write_off_limit_ore default_bank_account_id logo",
        ORGANISATION,
    ),
    entry("organisation", "channels_person channels_business safe_channels efaktura_status", ORGANISATION),
    entry("organisation", "dpa_version dpa_accepted_at", AGREEMENT),
    entry("api_key", "org_id id", STRUCTURE),
    entry("api_key", "name scope secret_hash created_at expires_at last_used_at revoked_at", ACCESS),
    entry("bank_account", "org_id id version kid_frozen_at next_kid_serial created_at", STRUCTURE),
    entry("bank_account", "account_no name kid_modulus kid_customer_digits kid_invoice_digits", ORGANISATION),
    entry("number_series", "org_id id code next_number first_number start_set_at expired_documents", STRUCTURE),
    entry("gl_account", "org_id role code gl_number", STRUCTURE),
    entry("vat_code", "org_id id code name rate_micro category reason valid_from valid_to", STRUCTURE),
    entry("idempotency_key", "org_id key_hash body_hash status resource_type resource_id created_at", STRUCTURE),
    entry("audit_event", "position chain", STRUCTURE),
    entry("audit_event", "org_id id at actor_kind actor_id verb subject_kind subject_id fields", AUDIT),
    entry(
        "audit_segment",
        "org_id id chain last_event_id events newest_at previous_hash head_hash sealed_at",
        STRUCTURE,
    ),
    entry("audit_segment", "pruned_at pruned_by", STRUCTURE),
    entry(
        "job",
        "org_id id name dedupe_key subject_id state run_at attempts lease_until last_error created_at finished_at",
        STRUCTURE,
    ),
    entry("customer", "org_id id version created_at updated_at", STRUCTURE),
    entry("customer", "handed_over_at", CORE),
    entry("customer", "kind status ended_on ended_reason ended_by list_digest mail_ground", MASTER),
    entry("customer", "restricted_at restriction_review_on", MASTER),
    entry("customer", "kid_customer_no", PAYMENT),
    entry("customer_core", "org_id customer_id", STRUCTURE),
    entry("customer_core", "number name org_number name_search", CORE),
    entry("customer_detail", "org_id customer_id", STRUCTURE),
    entry(
        "customer_detail",
        "street street2 postal_code city country email phone language payment_method channel",
        MASTER,
    ),
    entry("customer_detail", "protected_identity reference order_number external_updated_at", MASTER),
    entry("customer_detail", "efaktura_address", EFAKTURA),
    entry("customer_alias", "org_id customer_id replaced_at", STRUCTURE),
    entry("customer_alias", "number", CORE),
    entry("customer_document_address", "org_id customer_id", STRUCTURE),
    entry("customer_document_address", "street street2 postal_code city country", MASTER),
    entry("customer_contact", "org_id id customer_id slot", STRUCTURE),
    entry("customer_contact", "role name email phone", CONTACT),
    entry(
        "customer_plan",
        "org_id id mode status content_hash sync_counter changes guard_trips created_at expires_at applied_at",
        STRUCTURE,
    ),
    entry("customer_plan", "summary", PLAN),
    entry("customer_note", "org_id id version", STRUCTURE),
    entry("customer_note", "customer_id kind channel text contact_on referred_invoice_id created_at closed_at", NOTE),
    entry("customer_note", "author_kind author_id", NOTE_AUTHOR),
    entry("customer_plan_part", "org_id plan_id part_no", STRUCTURE),
    entry("customer_plan_part", "content", PLAN),
    entry("column_mapping", "org_id heading target", STRUCTURE),
    entry(
        "product",
        "org_id id version number name unit price_micro vat_code every_months active created_at updated_at",
        STRUCTURE,
    ),
    entry("standing_order", "org_id id version created_at updated_at", STRUCTURE),
    entry("standing_order", "customer_id source from_on every_months end_on next_period_no next_period_on", MASTER),
    entry("standing_order", "prorate billed_before_no", MASTER),
    entry("standing_order_line", "org_id standing_order_id line_no", STRUCTURE),
    entry("standing_order_line", "product_number quantity_micro price_micro discount_micro", MASTER),
    entry("invoice_draft", "org_id id version created_at updated_at", STRUCTURE),
    entry("invoice_draft", "customer_id content", DRAFT),
    entry(
        "invoice_run",
        "org_id id version status bill_on issued_on due_on send_after_at cursor_customer_id",
        STRUCTURE,
    ),
    entry("invoice_run", "issued_count skipped_count issued_ore expected_count created_at finished_at", STRUCTURE),
    entry("invoice_run", "credit_status credit_rebill credited_count", STRUCTURE),
    entry("invoice_run", "credit_reason", ISSUED),
    entry("invoice_run_skip", "org_id run_id customer_id reason", MASTER),
    entry("party_block", "org_id id content", ISSUED),
    entry(
        "invoice",
        "org_id id series_id number kind customer_id bank_account_id seller_block_id buyer_block_id run_id",
        ISSUED,
    ),
    entry("invoice", "credits_invoice_id issued_on due_on language net_ore vat_ore total_ore kid voucher_no", ISSUED),
    entry("invoice", "template_version snapshot_hash created_at", ISSUED),
    entry("invoice_text", "org_id invoice_id content", ISSUED),
    entry("invoice_vat", "org_id invoice_id category rate_micro basis_ore vat_ore", ISSUED),
    entry("billed_period", "org_id standing_order_id period_from_on period_no invoice_id", ISSUED),
    entry("kid", "org_id bank_account_id kid customer_id invoice_id imported", PAYMENT),
    entry("document", "org_id invoice_id kind content_hash bytes renderer_version created_at", ISSUED),
    entry(
        "ledger_entry",
        "org_id id voucher_no booked_on kind debit_role debit_code credit_role credit_code amount_ore",
        LEDGER,
    ),
    entry("ledger_entry", "customer_id invoice_id payment_id reverses_id reason created_at", LEDGER),
    entry("opening_item", "org_id id customer_id old_number issued_on due_on amount_ore kid created_at", OPEN),
    entry("posting_export", "org_id id from_on to_on last_voucher_no entries exported_before created_at", STRUCTURE),
    entry("open_item", "org_id id customer_id invoice_id class booked_on due_on amount_ore remaining_ore", OPEN),
    entry(
        "allocation",
        "org_id id open_item_id payment_id credit_note_id kind reason booked_on amount_ore reverses_id created_at",
        PAYMENT,
    ),
    entry(
        "bank_file",
        "org_id id content_hash kind bytes transmission payments payments_ore matched mandates imported_at",
        BANK_FILE,
    ),
    entry(
        "payment",
        "org_id id version bank_account_id bank_file_id line transaction_type booked_on amount_ore",
        PAYMENT,
    ),
    entry("payment", "unallocated_ore kid customer_id state reason identity_hash duplicate_of_id created_at", PAYMENT),
    entry("payment_payer", "org_id payment_id", STRUCTURE),
    entry("payment_payer", "debit_account text", PAYER),
    entry("mandate", "org_id bank_account_id kid customer_id notify active updated_on", MANDATE),
    entry("delivery", "org_id id version invoice_id customer_id channel state reason needs_person attempts", DELIVERY),
    entry("delivery", "not_before_at lease_until_at lease_token possibly_sent_twice created_at updated_at", DELIVERY),
    entry("delivery", "channel_reason fallback_from attempts_before tried_since_at handed_over_at", DELIVERY),
    entry("delivery", "message_id provider_ref provider_seq take_back", DELIVERY),
    entry("delivery_event", "org_id delivery_id id", STRUCTURE),
    entry("delivery_event", "at kind channel code detail", DELIVERY),
    entry("channel_lookup", "org_id customer_id channel", STRUCTURE),
    entry("channel_lookup", "answer identifier matched_on asked_of checked_at", EFAKTURA),
    entry("mail_suppression", "org_id customer_id delivery_id", STRUCTURE),
    entry("mail_suppression", "address_hash reason since_at", ADDRESS),
    entry("channel_state", "channel failures away_since_at open_until_at code", STRUCTURE),
    entry("feed_cursor", "name position read_at", STRUCTURE),
    entry("webhook_endpoint", "org_id id version url types secret old_secret old_secret_until_at state", STRUCTURE),
    entry(
        "webhook_endpoint",
        "disabled_at disabled_why failing_since_at last_success_at created_at updated_at",
        STRUCTURE,
    ),
    entry("webhook_cursor", "org_id endpoint_id position event_id active", STRUCTURE),
    entry("webhook_message", "org_id endpoint_id event_id kind subject_kind subject_id happened_at state", STRUCTURE),
    entry("webhook_message", "attempts not_before_at lease_until_at status error done_at", STRUCTURE),
    entry("app_user", "id version created_at updated_at", STRUCTURE),
    entry("app_user", "login name password_hash language theme failures locked_until_at", USER),
    entry("user_session", "id_hash user_id chosen_org csrf created_at seen_at expires_at", SESSION),
    entry("membership", "org_id user_id role created_at", USER),
    entry("payer_link", "org_id id", STRUCTURE),
    entry("payer_link", "invoice_id customer_id token_hash created_at expires_at revoked_at", LINK),
    entry("payer_link", "code_hash code_made_at code_expires_at code_tries codes_since_at codes_sent", LINK),
    entry("payer_session", "org_id", STRUCTURE),
    entry("payer_session", "id_hash link_id created_at expires_at", PAYER_SESSION),
    entry("privacy_policy", "org_id id version_no preset content valid_from published_at approved_at", STRUCTURE),
    entry("privacy_statement", "org_id id version_no policy_version_no valid_from content published_at", AGREEMENT),
    entry("privacy_retention", "org_id id policy_version_no state content made_at executed_at", STRUCTURE),
    entry("privacy_hold", "org_id id version", STRUCTURE),
    entry(
        "privacy_hold",
        "kind subject_kind subject_id customer_id reason owner review_on placed_at released_at",
        HOLD,
    ),
    entry("organisation_ending", "org_id ends_on deleted_on keep_archive asked_at", ORGANISATION),
    entry("hand_over", "org_id id version scope customers documents bytes content_hash bookings", STRUCTURE),
    entry("hand_over", "made_at confirmed_at taken", STRUCTURE),
    entry("hand_over_customer", "org_id customer_id hand_over_id bookings taken", STRUCTURE),
    entry("archive_customer", "org_id customer_id archived_at", STRUCTURE),
    entry("archive_customer", "number earlier_numbers name org_number protected_identity", CORE),
    entry("archive_party", "org_id id customer_id content", ISSUED),
    entry("archive_text", "org_id invoice_id customer_id content", ISSUED),
    entry("archive_payer", "org_id payment_id customer_id", STRUCTURE),
    entry("archive_payer", "debit_account text", PAYER),
    entry(
        "archive_document",
        "org_id invoice_id kind customer_id content_hash bytes renderer_version created_at",
        ISSUED,
    ),
    entry("archive_note", "org_id id", STRUCTURE),
    entry("archive_note", "customer_id channel text contact_on referred_invoice_id created_at", LETTER),
    entry("archive_note", "author_kind author_id", LETTER_AUTHOR),
    entry("personal_reading", "org_id id", STRUCTURE),
    entry("personal_reading", "at action actor_kind people subject_id subjects reason", READING),
    entry("personal_reading", "actor_id", READER),
    entry("sign_in", "id attempts", STRUCTURE),
    entry("sign_in", "at address network how outcome user_id", SIGN_IN),
    entry("access_attempt", "org_id id attempts key_id", STRUCTURE),
    entry("access_attempt", "at address network how outcome customer_id", CODE),
    entry("blocked_address", "id times", STRUCTURE),
    entry("blocked_address", "range placed_by reason since_at until_at review_on", BLOCK),
    entry("breach", "org_id id version told_hours_left", STRUCTURE),
    entry(
        "breach",
        "as_processor noticed_at due_at happened_from_at happened_until_at what categories cause consequences measures risk",
        BREACH,
    ),
    entry(
        "breach",
        "people authority_notified_at authority_reference not_notified_because late_because controller_told_at",
        BREACH,
    ),
    entry("breach", "persons_informed_at not_informed_because created_at updated_at closed_at", BREACH),
    entry("breach_person", "org_id breach_id letter_id", STRUCTURE),
    entry("breach_person", "customer_id found_by noted_at informed_at informed_by", AFFECTED),
    entry("privacy_request", "org_id id version", STRUCTURE),
    entry(
        "privacy_request",
        "kind subject_kind subject_id channel state received_on due_on extended_because wish identity identified_at",
        REQUEST,
    ),
    entry(
        "privacy_request",
        "code_hash code_expires_at code_tries codes_sent decision grounds erasure_id link_hash link_expires_at",
        REQUEST,
    ),
    entry("privacy_request", "asker_name asker_reach letter_hash left_out receipt_sent_at", REQUEST),
    entry("privacy_request", "extension_told_at answer_told_at", REQUEST),
    entry("privacy_request", "created_at updated_at closed_at", REQUEST),
    entry("privacy_notice", "org_id request_id recipient noted_at told_at", REQUEST),
    entry("consent", "org_id id", STRUCTURE),
    entry("consent", "customer_id purpose channel act text_version given_by proof at", CONSENT),
    entry("processor", "id version kind name service country agreement agreement_on", STRUCTURE),
    entry("processor", "transfer_ground assessed_on hosts added_at ended_at", STRUCTURE),
    entry("agreement_acceptance", "org_id id", STRUCTURE),
    entry("agreement_acceptance", "agreement_version accepted_at superseded_at", AGREEMENT),
    entry("agreement_acceptance", "accepted_by actor_kind actor_id", ACCEPTOR),
    entry("statement_notice", "org_id statement_id", STRUCTURE),
    entry("statement_notice", "person_id person_kind state noted_at told_at", TOLD),
    entry("statement_acceptance", "org_id id statement_id", STRUCTURE),
    entry("statement_acceptance", "user_id channel accepted_at", ACCEPTOR),
    entry("privacy_erasure", "org_id id version", STRUCTURE),
    entry("privacy_erasure", "subject_kind subject_id state content asked_at done_at overwritten_at", ERASURE),
    entry("erased_number", "org_id number_hash erased_at readmitted_at readmitted_reason", ERASED),
    entry("number_gap", "org_id series_id first_no last_no reason noted_at", STRUCTURE),
    entry("file_removal", "org_id place name since_at", STRUCTURE),
    entry("delivery_address", "org_id delivery_id", STRUCTURE),
    entry("delivery_address", "address", ADDRESS),
    entry("statistic_year", "org_id from_on until_on small_group reckoned_at", STRUCTURE),
    entry("statistic", "org_id year_from_on kind month_no items net_ore vat_ore total_ore customers", STATISTICS),
    entry("delivery_attempt", "org_id delivery_id attempt_no started_at ended_at outcome code detail", DELIVERY),
];

/// Tables of the tools, not of the product.
pub const TOOL_TABLES: &[&str] = &["seaql_migrations", "retention_ticket"];

/// Every classified column as table and name.
pub fn columns() -> impl Iterator<Item = (&'static str, &'static str, Class)> {
    INVENTORY.iter().flat_map(|e| e.columns.split_whitespace().map(|c| (e.table, c, e.class)))
}

/// Tables that hold something of people.
pub fn personal_tables() -> Vec<&'static str> {
    let personal = |class: &Class| !matches!(class.subject, Subject::Nobody | Subject::Organisation);
    let mut tables: Vec<&str> = INVENTORY.iter().filter(|e| personal(&e.class)).map(|e| e.table).collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::privacy::Action;
    use std::collections::HashSet;

    #[test]
    fn each_column_is_classified_once() {
        let mut seen = HashSet::new();
        for (table, column, _) in columns() {
            assert!(seen.insert((table, column)), "{table}.{column} is classified twice");
        }
    }

    #[test]
    fn what_tells_of_people_lives_by_a_clock() {
        for (table, column, class) in columns() {
            let own = matches!(class.subject, Subject::Nobody | Subject::Organisation);
            assert!(own || !class.rules.is_empty(), "{table}.{column} is kept without end");
            let anonymous = class.rules.iter().all(|r| r.facts().action == Action::Anonymise);
            assert!(class.subject != Subject::Nobody || anonymous, "{table}.{column} tells of nobody");
        }
    }
}
