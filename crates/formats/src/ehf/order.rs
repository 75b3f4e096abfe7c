//! The order of elements by UBL 2.1: every element a parent may hold, in the sequence of the schema.

use super::Finding;
use super::tree::path;
use roxmltree::Node;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Names of parents, and their children in order.
const SEQUENCES: &[(&str, &str)] = &[
    ("AddressLine", "Line"),
    (
        "Address PostalAddress",
        "ID AddressTypeCode AddressFormatCode Postbox Floor Room StreetName AdditionalStreetName \
         BlockName BuildingName BuildingNumber InhouseMail Department MarkAttention MarkCare \
         PlotIdentification CitySubdivisionName CityName PostalZone CountrySubentity CountrySubentityCode \
         Region District TimezoneOffset AddressLine Country LocationCoordinate",
    ),
    (
        "AllowanceCharge",
        "ID ChargeIndicator AllowanceChargeReasonCode AllowanceChargeReason MultiplierFactorNumeric \
         PrepaidIndicator SequenceNumeric Amount BaseAmount AccountingCostCode AccountingCost \
         PerUnitAmount TaxCategory TaxTotal PaymentMeans",
    ),
    ("Attachment", "EmbeddedDocumentBinaryObject ExternalReference"),
    (
        "BillingReference",
        "InvoiceDocumentReference SelfBilledInvoiceDocumentReference CreditNoteDocumentReference \
         SelfBilledCreditNoteDocumentReference DebitNoteDocumentReference ReminderDocumentReference \
         AdditionalDocumentReference BillingReferenceLine",
    ),
    ("FinancialInstitutionBranch", "ID Name FinancialInstitution Address"),
    (
        "CardAccount",
        "PrimaryAccountNumberID NetworkID CardTypeCode ValidityStartDate ExpiryDate IssuerID \
         IssueNumberID CV2ID CardChipCode ChipApplicationID HolderName",
    ),
    ("CommodityClassification", "NatureCode CargoTypeCode CommodityCode ItemClassificationCode"),
    ("Contact", "ID Name Telephone Telefax ElectronicMail Note OtherCommunication"),
    ("Country OriginCountry", "IdentificationCode Name"),
    (
        "CreditNoteLine",
        "ID UUID Note CreditedQuantity LineExtensionAmount TaxPointDate AccountingCostCode AccountingCost \
         PaymentPurposeCode FreeOfChargeIndicator InvoicePeriod OrderLineReference DiscrepancyResponse \
         DespatchLineReference ReceiptLineReference BillingReference DocumentReference PricingReference \
         OriginatorParty Delivery PaymentTerms TaxTotal AllowanceCharge Item Price DeliveryTerms \
         SubCreditNoteLine ItemPriceExtension",
    ),
    (
        "CreditNote",
        "UBLExtensions UBLVersionID CustomizationID ProfileID ProfileExecutionID ID CopyIndicator UUID \
         IssueDate IssueTime TaxPointDate CreditNoteTypeCode Note DocumentCurrencyCode TaxCurrencyCode \
         PricingCurrencyCode PaymentCurrencyCode PaymentAlternativeCurrencyCode AccountingCostCode \
         AccountingCost LineCountNumeric BuyerReference InvoicePeriod DiscrepancyResponse OrderReference \
         BillingReference DespatchDocumentReference ReceiptDocumentReference ContractDocumentReference \
         AdditionalDocumentReference StatementDocumentReference OriginatorDocumentReference Signature \
         AccountingSupplierParty AccountingCustomerParty PayeeParty BuyerCustomerParty \
         SellerSupplierParty TaxRepresentativeParty Delivery DeliveryTerms PaymentMeans PaymentTerms \
         TaxExchangeRate PricingExchangeRate PaymentExchangeRate PaymentAlternativeExchangeRate \
         AllowanceCharge TaxTotal LegalMonetaryTotal CreditNoteLine",
    ),
    (
        "AccountingCustomerParty",
        "CustomerAssignedAccountID SupplierAssignedAccountID AdditionalAccountID Party DeliveryContact \
         AccountingContact BuyerContact",
    ),
    (
        "Delivery",
        "ID Quantity MinimumQuantity MaximumQuantity ActualDeliveryDate ActualDeliveryTime \
         LatestDeliveryDate LatestDeliveryTime ReleaseID TrackingID DeliveryAddress DeliveryLocation \
         AlternativeDeliveryLocation RequestedDeliveryPeriod PromisedDeliveryPeriod \
         EstimatedDeliveryPeriod CarrierParty DeliveryParty NotifyParty Despatch DeliveryTerms \
         MinimumDeliveryUnit MaximumDeliveryUnit Shipment",
    ),
    (
        "AdditionalDocumentReference ContractDocumentReference DespatchDocumentReference DocumentReference InvoiceDocumentReference OriginatorDocumentReference ReceiptDocumentReference",
        "ID CopyIndicator UUID IssueDate IssueTime DocumentTypeCode DocumentType XPath LanguageID \
         LocaleCode VersionID DocumentStatusCode DocumentDescription Attachment ValidityPeriod \
         IssuerParty ResultOfVerification",
    ),
    (
        "ExternalReference",
        "URI DocumentHash HashAlgorithmMethod ExpiryDate ExpiryTime MimeCode FormatCode EncodingCode \
         CharacterSetCode FileName Description",
    ),
    (
        "PayeeFinancialAccount PayerFinancialAccount",
        "ID Name AliasName AccountTypeCode AccountFormatCode CurrencyCode PaymentNote \
         FinancialInstitutionBranch Country",
    ),
    (
        "InvoiceLine",
        "ID UUID Note InvoicedQuantity LineExtensionAmount TaxPointDate AccountingCostCode AccountingCost \
         PaymentPurposeCode FreeOfChargeIndicator InvoicePeriod OrderLineReference DespatchLineReference \
         ReceiptLineReference BillingReference DocumentReference PricingReference OriginatorParty \
         Delivery PaymentTerms AllowanceCharge TaxTotal WithholdingTaxTotal Item Price DeliveryTerms \
         SubInvoiceLine ItemPriceExtension",
    ),
    (
        "Invoice",
        "UBLExtensions UBLVersionID CustomizationID ProfileID ProfileExecutionID ID CopyIndicator UUID \
         IssueDate IssueTime DueDate InvoiceTypeCode Note TaxPointDate DocumentCurrencyCode \
         TaxCurrencyCode PricingCurrencyCode PaymentCurrencyCode PaymentAlternativeCurrencyCode \
         AccountingCostCode AccountingCost LineCountNumeric BuyerReference InvoicePeriod OrderReference \
         BillingReference DespatchDocumentReference ReceiptDocumentReference StatementDocumentReference \
         OriginatorDocumentReference ContractDocumentReference AdditionalDocumentReference \
         ProjectReference Signature AccountingSupplierParty AccountingCustomerParty PayeeParty \
         BuyerCustomerParty SellerSupplierParty TaxRepresentativeParty Delivery DeliveryTerms \
         PaymentMeans PaymentTerms PrepaidPayment AllowanceCharge TaxExchangeRate PricingExchangeRate \
         PaymentExchangeRate PaymentAlternativeExchangeRate TaxTotal WithholdingTaxTotal \
         LegalMonetaryTotal InvoiceLine",
    ),
    (
        "BuyersItemIdentification SellersItemIdentification StandardItemIdentification",
        "ID ExtendedID BarcodeSymbologyID PhysicalAttribute MeasurementDimension IssuerParty",
    ),
    (
        "AdditionalItemProperty",
        "ID Name NameCode TestMethod Value ValueQuantity ValueQualifier ImportanceCode ListValue \
         UsabilityPeriod ItemPropertyGroup RangeDimension ItemPropertyRange",
    ),
    (
        "Item",
        "Description PackQuantity PackSizeNumeric CatalogueIndicator Name HazardousRiskIndicator \
         AdditionalInformation Keyword BrandName ModelName BuyersItemIdentification \
         SellersItemIdentification ManufacturersItemIdentification StandardItemIdentification \
         CatalogueItemIdentification AdditionalItemIdentification CatalogueDocumentReference \
         ItemSpecificationDocumentReference OriginCountry CommodityClassification TransactionConditions \
         HazardousItem ClassifiedTaxCategory AdditionalItemProperty ManufacturerParty \
         InformationContentProviderParty OriginAddress ItemInstance Certificate Dimension",
    ),
    (
        "DeliveryLocation",
        "ID Description Conditions CountrySubentity CountrySubentityCode LocationTypeCode InformationURI \
         Name ValidityPeriod Address SubsidiaryLocation LocationCoordinate",
    ),
    (
        "LegalMonetaryTotal",
        "LineExtensionAmount TaxExclusiveAmount TaxInclusiveAmount AllowanceTotalAmount ChargeTotalAmount \
         PrepaidAmount PayableRoundingAmount PayableAmount PayableAlternativeAmount",
    ),
    ("OrderLineReference", "LineID SalesOrderLineID UUID LineStatusCode OrderReference"),
    (
        "OrderReference",
        "ID SalesOrderID CopyIndicator UUID IssueDate IssueTime CustomerReference OrderTypeCode \
         DocumentReference",
    ),
    ("PartyIdentification", "ID"),
    (
        "PartyLegalEntity",
        "RegistrationName CompanyID RegistrationDate RegistrationExpirationDate CompanyLegalFormCode \
         CompanyLegalForm SoleProprietorshipIndicator CompanyLiquidationStatusCode CorporateStockAmount \
         FullyPaidSharesIndicator RegistrationAddress CorporateRegistrationScheme HeadOfficeParty \
         ShareholderParty",
    ),
    ("PartyName", "Name"),
    (
        "PartyTaxScheme",
        "RegistrationName CompanyID TaxLevelCode ExemptionReasonCode ExemptionReason RegistrationAddress \
         TaxScheme",
    ),
    (
        "DeliveryParty Party PayeeParty TaxRepresentativeParty",
        "MarkCareIndicator MarkAttentionIndicator WebsiteURI LogoReferenceID EndpointID \
         IndustryClassificationCode PartyIdentification PartyName Language PostalAddress PhysicalLocation \
         PartyTaxScheme PartyLegalEntity Contact Person AgentParty ServiceProviderParty PowerOfAttorney \
         FinancialAccount",
    ),
    (
        "PaymentMandate",
        "ID MandateTypeCode MaximumPaymentInstructionsNumeric MaximumPaidAmount SignatureID PayerParty \
         PayerFinancialAccount ValidityPeriod PaymentReversalPeriod Clause",
    ),
    (
        "PaymentMeans",
        "ID PaymentMeansCode PaymentDueDate PaymentChannelCode InstructionID InstructionNote PaymentID \
         CardAccount PayerFinancialAccount PayeeFinancialAccount CreditAccount PaymentMandate \
         TradeFinancing",
    ),
    (
        "PaymentTerms",
        "ID PaymentMeansID PrepaidPaymentReferenceID Note ReferenceEventCode SettlementDiscountPercent \
         PenaltySurchargePercent PaymentPercent Amount SettlementDiscountAmount PenaltyAmount \
         PaymentTermsDetailsURI PaymentDueDate InstallmentDueDate InvoicingPartyReference \
         SettlementPeriod PenaltyPeriod ExchangeRate ValidityPeriod",
    ),
    ("InvoicePeriod", "StartDate StartTime EndDate EndTime DurationMeasure DescriptionCode Description"),
    (
        "Price",
        "PriceAmount BaseQuantity PriceChangeReason PriceTypeCode PriceType OrderableUnitFactorRate \
         ValidityPeriod PriceList AllowanceCharge PricingExchangeRate",
    ),
    ("ProjectReference", "ID UUID IssueDate WorkPhaseReference"),
    (
        "AccountingSupplierParty",
        "CustomerAssignedAccountID AdditionalAccountID DataSendingCapability Party DespatchContact \
         AccountingContact SellerContact",
    ),
    (
        "ClassifiedTaxCategory TaxCategory",
        "ID Name Percent BaseUnitMeasure PerUnitAmount TaxExemptionReasonCode TaxExemptionReason \
         TierRange TierRatePercent TaxScheme",
    ),
    ("TaxScheme", "ID Name TaxTypeCode CurrencyCode JurisdictionRegionAddress"),
    (
        "TaxSubtotal",
        "TaxableAmount TaxAmount CalculationSequenceNumeric TransactionCurrencyTaxAmount Percent \
         BaseUnitMeasure PerUnitAmount TierRange TierRatePercent TaxCategory",
    ),
    ("TaxTotal", "TaxAmount RoundingAmount TaxEvidenceIndicator TaxIncludedIndicator TaxSubtotal"),
];

/// Children of each parent, in order.
static CHILDREN: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let parents = SEQUENCES.iter().flat_map(|(parents, sequence)| parents.split(' ').map(move |p| (p, *sequence)));
    parents.map(|(parent, sequence)| (parent, sequence.split_whitespace().collect())).collect()
});

/// Elements that stand where the schema has no place for them, or in the wrong order.
pub(super) fn check(root: Node<'_, '_>, findings: &mut Vec<Finding>) {
    for node in root.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        let Some(sequence) = CHILDREN.get(name) else { continue };
        let mut last = 0;
        for child in node.children().filter(Node::is_element) {
            let found = child.tag_name().name();
            // In a document in order it stands at the last place or further down.
            if let Some(ahead) = sequence[last..].iter().position(|n| *n == found) {
                last += ahead;
                continue;
            }
            let message = if sequence.contains(&found) {
                format!("{found} stands too late: the schema has it further up")
            } else if found == "UBLExtensions" {
                continue;
            } else {
                format!("{name} has no element {found}")
            };
            findings.push(Finding { rule: "UBL-XSD", path: path(child), message });
        }
    }
}
