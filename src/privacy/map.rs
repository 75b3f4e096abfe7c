//! The data map: every table and column with what it holds, as a fides dataset (YAML). Made from the inventory, which the
//! tests hold to the database.

use super::inventory::{Class, INVENTORY};
use domain::privacy::Subject;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The data map.
pub fn data_map() -> String {
    let mut tables: BTreeMap<&str, Vec<(&str, Class)>> = BTreeMap::new();
    for entry in INVENTORY {
        let columns = entry.columns.split_whitespace().map(|column| (column, entry.class));
        tables.entry(entry.table).or_default().extend(columns);
    }
    let mut out = String::from(
        "dataset:\n- fides_key: reskontro\n  name: Reskontro\n  description: Invoicing and accounts receivable\n  \
         data_categories: []\n  collections:\n",
    );
    for (table, columns) in tables {
        let _ = writeln!(out, "  - name: {table}\n    fields:");
        for (column, class) in columns {
            let _ = writeln!(out, "    - name: {column}\n      data_categories: [{}]", category(table, column, class));
            let rules: Vec<&str> = class.rules.iter().map(|r| r.as_str()).collect();
            if !rules.is_empty() {
                let _ = writeln!(out, "      fides_meta:\n        retention_rules: [{}]", rules.join(", "));
            }
        }
    }
    out
}

/// The category of a column in the taxonomy of fides.
fn category(table: &str, column: &str, class: Class) -> &'static str {
    if class.subject == Subject::Nobody || column == "org_id" {
        return "system.operations";
    }
    if column == "id" || column.ends_with("_id") {
        return "user.unique_id";
    }
    match column {
        "name" | "name_search" | "login" | "sender_name" => "user.name",
        "email" | "sender_email" | "reply_to" | "address" => "user.contact.email",
        "phone" => "user.contact.phone_number",
        "street" | "street2" => "user.contact.address.street",
        "postal_code" => "user.contact.address.postal_code",
        "city" => "user.contact.address.city",
        "country" => "user.contact.address.country",
        "role" => "user.job_title",
        "language" | "theme" => "user.settings",
        "password_hash" | "secret_hash" => "user.authorization.credentials",
        "debit_account" | "account_no" => "user.financial.bank_account",
        "number" if table == "customer_core" || table == "customer_alias" => "user.unique_id",
        _ => match class.subject {
            Subject::User => "user.behavior",
            Subject::Payer if table.starts_with("customer") => "user",
            _ => "user.financial",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_stands_in_the_map() {
        let map = data_map();
        let fields = map.matches("    - name: ").count();
        assert_eq!(fields, super::super::inventory::columns().count());
        assert!(map.contains(
            "  - name: customer_core\n    fields:\n    - name: org_id\n      data_categories: [system.operations]"
        ));
        assert!(map.contains("    - name: email\n      data_categories: [user.contact.email]\n      fides_meta:\n        retention_rules: [customer_master]"));
    }
}
