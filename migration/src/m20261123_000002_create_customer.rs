//! Customers: what law may keep apart from what ends with the relationship; and the sync that fills them.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE customer (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  kind $text NOT NULL,
  status $text NOT NULL,
  ended_on $date,
  ended_reason $text,
  kid_customer_no $int NOT NULL,
  created_at $time NOT NULL,
  updated_at $time NOT NULL,
  PRIMARY KEY (org_id, id)
);
CREATE TABLE customer_core (
  org_id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  number $text NOT NULL,
  name $text NOT NULL,
  org_number $text,
  name_search $ctext NOT NULL,
  PRIMARY KEY (org_id, customer_id),
  UNIQUE (org_id, number),
  FOREIGN KEY (org_id, customer_id) REFERENCES customer (org_id, id)
);
CREATE INDEX customer_core_search ON customer_core (org_id, name_search);
CREATE TABLE customer_detail (
  org_id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  street $text,
  street2 $text,
  postal_code $text,
  city $text,
  country $text NOT NULL,
  email $text,
  phone $text,
  language $text NOT NULL,
  payment_method $text,
  channel $text,
  efaktura_address $text,
  protected_identity $bool NOT NULL,
  reference $text,
  order_number $text,
  external_updated_at $text,
  PRIMARY KEY (org_id, customer_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customer (org_id, id)
);
CREATE TABLE customer_contact (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  customer_id $uuid NOT NULL,
  slot $text NOT NULL,
  role $text,
  name $text,
  email $text,
  phone $text,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, customer_id, slot),
  FOREIGN KEY (org_id, customer_id) REFERENCES customer (org_id, id)
);
CREATE TABLE customer_plan (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  mode $text NOT NULL,
  status $text NOT NULL,
  content_hash $bytes NOT NULL,
  sync_counter $int NOT NULL,
  summary $text NOT NULL,
  changes $int NOT NULL,
  guard_trips $bool NOT NULL,
  created_at $time NOT NULL,
  expires_at $time NOT NULL,
  applied_at $time,
  PRIMARY KEY (org_id, id)
);
CREATE TABLE customer_plan_part (
  org_id $uuid NOT NULL,
  plan_id $uuid NOT NULL,
  part_no $int NOT NULL,
  content $text NOT NULL,
  PRIMARY KEY (org_id, plan_id, part_no)
);
CREATE TABLE column_mapping (
  org_id $uuid NOT NULL,
  heading $text NOT NULL,
  target $text NOT NULL,
  PRIMARY KEY (org_id, heading)
);
CREATE TABLE product (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  number $text NOT NULL,
  name $text NOT NULL,
  unit $text NOT NULL,
  price_micro $int NOT NULL,
  vat_code $text NOT NULL,
  every_months $int NOT NULL,
  active $bool NOT NULL,
  created_at $time NOT NULL,
  updated_at $time NOT NULL,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, number)
);
CREATE TABLE standing_order (
  org_id $uuid NOT NULL,
  id $uuid NOT NULL,
  version $int NOT NULL,
  customer_id $uuid NOT NULL,
  source $text NOT NULL,
  from_on $date NOT NULL,
  every_months $int NOT NULL,
  end_on $date,
  next_period_no $int NOT NULL,
  next_period_on $date,
  created_at $time NOT NULL,
  updated_at $time NOT NULL,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customer (org_id, id)
);
CREATE TABLE standing_order_line (
  org_id $uuid NOT NULL,
  standing_order_id $uuid NOT NULL,
  line_no $int NOT NULL,
  product_number $text NOT NULL,
  quantity_micro $int NOT NULL,
  price_micro $int,
  discount_micro $int NOT NULL,
  PRIMARY KEY (org_id, standing_order_id, line_no),
  FOREIGN KEY (org_id, standing_order_id) REFERENCES standing_order (org_id, id)
);
CREATE INDEX standing_order_due ON standing_order (org_id, next_period_on, customer_id);
CREATE INDEX standing_order_customer ON standing_order (org_id, customer_id);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await
    }
}
