//! Peppol access points: phase4-peppol-standalone, which answers at once and cannot be asked later, and phoss-ap, which
//! queues under an id of ours and can.

use super::http::{client, line_fault, path_part, retry_after, words};
use crate::ports::{
    BeforeHandover, Carrier, EhfMessage, Fault, Handed, Parcel, Pending, Sent, Session, Standing, Told,
};
use formats::ehf::{CUSTOMIZATION, PROFILE};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// Which contract an access point speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contract {
    /// phase4-peppol-standalone.
    Phase4,
    /// phoss-ap.
    Phoss,
}

/// How to reach the access point.
#[derive(Clone)]
pub struct AccessPointSettings {
    /// Which contract it speaks.
    pub contract: Contract,
    /// Its address, without a slash at the end.
    pub base_url: String,
    /// Its token.
    pub token: String,
    /// A private certificate authority in PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Given up after so long a silence.
    pub timeout: Duration,
}

struct Line {
    settings: AccessPointSettings,
    client: Client,
}

/// An access point.
pub struct AccessPoint(Arc<Line>);

impl AccessPoint {
    /// An access point.
    pub fn new(settings: AccessPointSettings) -> Result<Self, Fault> {
        let client = client(settings.ca_pem.as_deref(), settings.timeout)?;
        Ok(Self(Arc::new(Line { settings, client })))
    }
}

/// Document type without its scheme.
pub(super) fn document_type(credit_note: bool) -> String {
    let root = if credit_note { "CreditNote" } else { "Invoice" };
    format!("urn:oasis:names:specification:ubl:schema:xsd:{root}-2::{root}##{CUSTOMIZATION}::2.1")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Phase4Answer {
    #[serde(default)]
    overall_success: bool,
    #[serde(default)]
    sending_success: bool,
    #[serde(default)]
    sending_result: String,
    sbdh_instance_identifier: Option<String>,
    #[serde(default)]
    as4_response_errors: Vec<As4Error>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct As4Error {
    #[serde(default)]
    error_code: String,
    #[serde(default)]
    error_details: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhossStatus {
    status: String,
    #[serde(default)]
    error_details: Option<String>,
}

impl Line {
    fn post(&self, path: &str, xml: &[u8]) -> RequestBuilder {
        self.client
            .post(format!("{}{path}", self.settings.base_url))
            .header("x-token", &self.settings.token)
            .header("content-type", "application/xml")
            .body(xml.to_vec())
    }

    async fn submit(&self, message: &EhfMessage, before: BeforeHandover<'_>) -> Handed {
        let phase4 = self.settings.contract == Contract::Phase4;
        let (party, document, process) = if phase4 {
            ("0192:", document_type(message.credit_note), PROFILE.to_owned())
        } else {
            let document = format!("busdox-docid-qns::{}", document_type(message.credit_note));
            ("iso6523-actorid-upis::0192:", document, format!("cenbii-procid-ubl::{PROFILE}"))
        };
        let parts = [
            format!("{party}{}", message.sender),
            format!("{party}{}", message.receiver),
            document,
            process,
            "NO".to_owned(),
        ];
        let parts: Vec<String> = parts.iter().map(|p| path_part(p)).collect();
        let path = if phase4 {
            format!("/sendas4/{}", parts.join("/"))
        } else {
            format!("/api/outbound/submit/{}?sbdhInstanceID={}", parts.join("/"), message.id)
        };
        if let Err(detail) = before().await {
            return Handed::Temporary(Fault::new("not_recorded", detail));
        }
        let response = match self.post(&path, &message.xml).send().await {
            Ok(response) => response,
            Err(e) => {
                let (fault, nothing_left) = line_fault(&e);
                return if nothing_left { Handed::Away(fault) } else { Handed::Lost(fault) };
            }
        };
        match response.status() {
            status if status.is_success() && phase4 => phase4_answer(response).await,
            status if status.is_success() => Handed::HandedOver(Some(message.id.to_string())),
            status => self.refused(message, status, response).await,
        }
    }

    /// An answer that is no success: the access point's trouble, its setting, or the document.
    async fn refused(&self, message: &EhfMessage, status: StatusCode, response: Response) -> Handed {
        let wait = retry_after(&response);
        let text = words(&response.text().await.unwrap_or_default());
        let fault = Fault { retry_after: wait, ..Fault::new(format!("http_{}", status.as_u16()), text) };
        match status {
            // A wrong token or an interface that is off is for the operator; no document is to blame.
            StatusCode::FORBIDDEN
            | StatusCode::UNAUTHORIZED
            | StatusCode::NOT_FOUND
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE => Handed::Away(fault),
            // A server that broke down, or a proxy in front of it, may have passed the document on.
            _ if status.is_server_error() => Handed::Lost(fault),
            _ if self.settings.contract == Contract::Phase4 => Handed::Permanent(refusal(fault)),
            // It may be refused only because it is there already.
            _ => match self.status(&message.id.to_string()).await {
                Ok(Some(_)) => Handed::HandedOver(Some(message.id.to_string())),
                Ok(None) => Handed::Permanent(refusal(fault)),
                Err(silence) => Handed::Lost(silence),
            },
        }
    }

    async fn status(&self, id: &str) -> Result<Option<PhossStatus>, Fault> {
        let url = format!("{}/api/outbound/status/{}", self.settings.base_url, path_part(id));
        let asked = self.client.get(url).header("x-token", &self.settings.token).send().await;
        let response = asked.map_err(|e| line_fault(&e).0)?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => response.json().await.map(Some).map_err(|e| line_fault(&e).0),
            status => Err(Fault::new(format!("http_{}", status.as_u16()), "the access point gave no status")),
        }
    }
}

fn refusal(fault: Fault) -> Fault {
    Fault { code: "access_point_refused".to_owned(), ..fault }
}

/// phase4 answers 200 whatever happened; what did stands inside.
async fn phase4_answer(response: Response) -> Handed {
    let answer: Phase4Answer = match response.json().await {
        Ok(answer) => answer,
        Err(e) => return Handed::Lost(line_fault(&e).0),
    };
    // The report of the sending may fail after the sending itself.
    if answer.overall_success || answer.sending_success {
        return Handed::Accepted(answer.sbdh_instance_identifier);
    }
    let said = answer.as4_response_errors.first();
    let detail =
        said.map_or_else(|| answer.sending_result.clone(), |e| format!("{} {}", e.error_code, e.error_details));
    let fault = |code: &str| Fault::new(code, words(&detail));
    match answer.sending_result.as_str() {
        // The receiver's access point answered with a no.
        "AS4_ERROR_MESSAGE_RECEIVED" => Handed::Permanent(fault("access_point_refused")),
        // It was sent and nobody knows what came of it.
        "INVALID_SIGNAL_MESSAGE_RECEIVED" | "NO_SIGNAL_MESSAGE_RECEIVED" => Handed::Lost(fault("no_as4_receipt")),
        // A line that was never there carried nothing; one that broke may have carried all of it.
        "TRANSPORT_ERROR" if never_connected(&detail) => Handed::Temporary(fault("as4_transport_error")),
        "TRANSPORT_ERROR" => Handed::Lost(fault("as4_transport_error")),
        "" => Handed::Lost(fault("access_point_failed")),
        _ => Handed::Temporary(fault("access_point_failed")),
    }
}

/// Whether the words of a transport error say that the receiver's access point was not reached.
fn never_connected(detail: &str) -> bool {
    let detail = detail.to_lowercase();
    let words =
        ["refused", "connection failed", "failed to connect", "connect timed out", "unknownhost", "unknown host"];
    words.iter().any(|w| detail.contains(w))
}

struct AccessPointSession(Arc<Line>);

impl Session for AccessPointSession {
    fn send<'a>(&'a mut self, parcel: &'a Parcel, before: BeforeHandover<'a>) -> Pending<'a, Handed> {
        Box::pin(async move {
            match parcel {
                Parcel::Ehf(message) => self.0.submit(message, before).await,
                _ => Handed::Permanent(Fault::new("wrong_channel", "only e-invoices go to the access point")),
            }
        })
    }

    fn ask<'a>(&'a mut self, sent: &'a Sent) -> Pending<'a, Told> {
        Box::pin(async move {
            let standing = match self.0.status(&sent.message_id.to_string()).await {
                Err(fault) => Standing::Silent(fault),
                Ok(None) => Standing::NotThere,
                Ok(Some(found)) => {
                    let said = words(found.error_details.as_deref().unwrap_or_default());
                    match found.status.as_str() {
                        "sent" => Standing::Delivered,
                        "permanently_failed" | "rejected" => {
                            Standing::Rejected(Fault::new("access_point_refused", said))
                        }
                        _ => Standing::UnderWay,
                    }
                }
            };
            Told { standing, provider_ref: Some(sent.message_id.to_string()), seq: 0 }
        })
    }
}

impl Carrier for AccessPoint {
    fn session(&self) -> Box<dyn Session> {
        Box::new(AccessPointSession(self.0.clone()))
    }

    fn can_ask(&self) -> bool {
        self.0.settings.contract == Contract::Phoss
    }
}
