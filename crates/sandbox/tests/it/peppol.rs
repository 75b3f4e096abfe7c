//! The Peppol look-up over its sockets.

use reskontro_sandbox::PeppolNetwork;
use reskontro_sandbox::peppol::{Documents, Fault, participant_hash};
use std::time::Duration;
use tokio::net::UdpSocket;

/// Asks for the NAPTR record; gives the answer's bytes.
async fn ask(network: &PeppolNetwork, orgnr: &str) -> Option<Vec<u8>> {
    let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let name = format!("{}.iso6523-actorid-upis.{}", participant_hash(orgnr), network.zone());
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).unwrap());
        query.extend_from_slice(label.as_bytes());
    }
    query.extend_from_slice(&[0, 0, 35, 0, 1]);
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&query, network.dns_addr()).await.unwrap();
    let mut buffer = vec![0; 1500];
    let received = tokio::time::timeout(Duration::from_millis(300), socket.recv(&mut buffer)).await.ok()?;
    buffer.truncate(received.unwrap());
    Some(buffer)
}

async fn group(network: &PeppolNetwork, orgnr: &str) -> (u16, String) {
    let url = format!("{}/iso6523-actorid-upis%3A%3A0192%3A{orgnr}", network.smp_url());
    let answer = crate::client().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_registered_participant_is_found_by_dns_and_smp() {
    let network = PeppolNetwork::start().await.unwrap();
    network.register("923609016", Documents::InvoiceAndCreditNote);
    network.register("987654325", Documents::InvoiceOnly);
    let record = ask(&network, "923609016").await.unwrap();
    let regexp = format!("!^.*$!{}!", network.smp_url());
    assert_eq!((record[3] & 15, record[7]), (0, 1));
    assert!(record.windows(regexp.len()).any(|window| window == regexp.as_bytes()));
    let (status, xml) = group(&network, "923609016").await;
    assert_eq!(status, 200);
    let invoice = "busdox-docid-qns%3A%3Aurn%3Aoasis%3Anames%3Aspecification%3Aubl%3Aschema%3Axsd%3AInvoice-2%3A%3AInvoice\
                   %23%23urn%3Acen.eu%3Aen16931%3A2017%23compliant%23urn%3Afdc%3Apeppol.eu%3A2017%3Apoacc%3Abilling%3A3.0%3A%3A2.1";
    assert!(xml.contains(invoice) && xml.contains("CreditNote-2%3A%3ACreditNote%23%23"));
    let (_, xml) = group(&network, "987654325").await;
    assert!(xml.contains(invoice) && !xml.contains("CreditNote"));
    network.forget("923609016");
    assert_eq!(ask(&network, "923609016").await.unwrap()[3] & 15, 3);
    assert_eq!(group(&network, "923609016").await.0, 404);
    assert_eq!((network.counters().dns_queries, network.counters().smp_requests), (2, 3));
}

#[tokio::test]
async fn the_look_up_fails_as_told() {
    let network = PeppolNetwork::start().await.unwrap();
    network.register("923609016", Documents::None);
    assert!(!group(&network, "923609016").await.1.contains("Invoice-2"));
    network.fault(Some("923609016"), Fault::DnsServfail);
    assert_eq!(ask(&network, "923609016").await.unwrap()[3] & 15, 2);
    network.fault(Some("923609016"), Fault::DnsSilent);
    assert_eq!(ask(&network, "923609016").await, None);
    network.fault(Some("923609016"), Fault::SmpError);
    assert_eq!(group(&network, "923609016").await.0, 500);
    network.fault(Some("923609016"), Fault::None);
    network.fault(None, Fault::SmpNonsense);
    let (status, text) = group(&network, "923609016").await;
    assert!(status == 200 && !text.contains("ServiceGroup"));
    let request = crate::client().post(format!("{}/control/participants", network.smp_url()));
    let body = serde_json::json!({"org_number": "987654325", "documents": "invoice_only"});
    assert_eq!(request.json(&body).send().await.unwrap().status(), 204);
    assert_eq!(ask(&network, "987654325").await.unwrap()[7], 1);
}
