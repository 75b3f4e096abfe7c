//! Countries by name, in Norwegian and English, or by ISO 3166-1 alpha-2 code.

const CODES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS \
BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ \
FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT \
JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP \
MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE \
RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV \
TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

const NAMES: &[(&str, &str)] = &[
    ("norge", "NO"),
    ("noreg", "NO"),
    ("norga", "NO"),
    ("norway", "NO"),
    ("sverige", "SE"),
    ("sweden", "SE"),
    ("danmark", "DK"),
    ("denmark", "DK"),
    ("finland", "FI"),
    ("island", "IS"),
    ("iceland", "IS"),
    ("færøyene", "FO"),
    ("faroe islands", "FO"),
    ("grønland", "GL"),
    ("greenland", "GL"),
    ("storbritannia", "GB"),
    ("great britain", "GB"),
    ("united kingdom", "GB"),
    ("england", "GB"),
    ("skottland", "GB"),
    ("scotland", "GB"),
    ("uk", "GB"),
    ("irland", "IE"),
    ("ireland", "IE"),
    ("tyskland", "DE"),
    ("germany", "DE"),
    ("frankrike", "FR"),
    ("france", "FR"),
    ("spania", "ES"),
    ("spain", "ES"),
    ("portugal", "PT"),
    ("italia", "IT"),
    ("italy", "IT"),
    ("nederland", "NL"),
    ("netherlands", "NL"),
    ("the netherlands", "NL"),
    ("belgia", "BE"),
    ("belgium", "BE"),
    ("luxembourg", "LU"),
    ("sveits", "CH"),
    ("switzerland", "CH"),
    ("østerrike", "AT"),
    ("austria", "AT"),
    ("polen", "PL"),
    ("poland", "PL"),
    ("tsjekkia", "CZ"),
    ("czech republic", "CZ"),
    ("czechia", "CZ"),
    ("slovakia", "SK"),
    ("ungarn", "HU"),
    ("hungary", "HU"),
    ("romania", "RO"),
    ("bulgaria", "BG"),
    ("hellas", "GR"),
    ("greece", "GR"),
    ("kroatia", "HR"),
    ("croatia", "HR"),
    ("serbia", "RS"),
    ("estland", "EE"),
    ("estonia", "EE"),
    ("latvia", "LV"),
    ("litauen", "LT"),
    ("lithuania", "LT"),
    ("ukraina", "UA"),
    ("ukraine", "UA"),
    ("tyrkia", "TR"),
    ("turkey", "TR"),
    ("usa", "US"),
    ("united states", "US"),
    ("united states of america", "US"),
    ("canada", "CA"),
    ("australia", "AU"),
    ("new zealand", "NZ"),
    ("japan", "JP"),
    ("kina", "CN"),
    ("china", "CN"),
    ("india", "IN"),
    ("thailand", "TH"),
    ("brasil", "BR"),
    ("brazil", "BR"),
    ("sør-afrika", "ZA"),
    ("south africa", "ZA"),
    ("svalbard", "SJ"),
];

/// The code of a country, or `None` when it is not one.
pub(super) fn code(text: &str) -> Option<&'static str> {
    let upper = text.to_uppercase();
    if let Some(code) = CODES.split_whitespace().find(|c| *c == upper) {
        return Some(code);
    }
    let lower = text.to_lowercase();
    NAMES.iter().find(|(name, _)| *name == lower).map(|(_, code)| *code)
}

/// Whether a text is the code of a country: two capital letters.
pub fn is_country(code: &str) -> bool {
    CODES.split_whitespace().any(|c| c == code)
}
