//! All counterparts in one program, for trying Reskontro by hand.
#![expect(clippy::print_stdout, reason = "the program says where it listens")]

use clap::Parser;
use reskontro_sandbox::peppol::{Documents, PeppolNetwork};
use reskontro_sandbox::{AccessPoint, EfakturaGateway, SmtpSink, access_point, efaktura, peppol};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The other side of Reskontro: an eFaktura gateway, an access point, the Peppol look-up and a mail server.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Address of the eFaktura gateway.
    #[arg(long, default_value = "127.0.0.1:8181")]
    efaktura: SocketAddr,
    /// Address of the access point.
    #[arg(long, default_value = "127.0.0.1:8182")]
    access_point: SocketAddr,
    /// Address of the SMP.
    #[arg(long, default_value = "127.0.0.1:8183")]
    smp: SocketAddr,
    /// Address of the DNS server (UDP).
    #[arg(long, default_value = "127.0.0.1:8153")]
    dns: SocketAddr,
    /// Address of the mail server.
    #[arg(long, default_value = "127.0.0.1:8125")]
    smtp: SocketAddr,
    /// Folder of the journals.
    #[arg(long, default_value = "sandbox-data")]
    dir: PathBuf,
    /// Organisation that takes EHF invoices and credit notes; may be repeated.
    #[arg(long = "participant", value_name = "ORGNR")]
    participants: Vec<String>,
    /// Statuses wait until the clock is moved.
    #[arg(long)]
    manual: bool,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let gateway = EfakturaGateway::start(efaktura::Options {
        address: arguments.efaktura,
        auto: !arguments.manual,
        journal: Some(arguments.dir.join("efaktura.jsonl")),
        ..Default::default()
    })
    .await?;
    let point = AccessPoint::start(access_point::Options {
        address: arguments.access_point,
        auto: !arguments.manual,
        journal: Some(arguments.dir.join("access-point.jsonl")),
        ..Default::default()
    })
    .await?;
    let options =
        peppol::Options { smp_address: arguments.smp, dns_address: arguments.dns, ..peppol::Options::default() };
    let network = PeppolNetwork::start_with(options).await?;
    for orgnr in &arguments.participants {
        network.register(orgnr, Documents::InvoiceAndCreditNote);
    }
    let mail = SmtpSink::start_forgetful(arguments.smtp).await?;
    println!("eFaktura gateway  {}", gateway.base_url());
    println!("  client          {} / {}", gateway.client_id(), gateway.client_secret());
    println!("access point      {}", point.base_url());
    println!("  X-Token         {}", point.token());
    println!("SMP               {}", network.smp_url());
    println!("DNS (UDP)         {} for {}", network.dns_addr(), network.zone());
    println!("mail (SMTP)       {}", mail.address());
    println!("journals          {}", arguments.dir.display());
    tokio::signal::ctrl_c().await?;
    println!("{} mails taken", mail.taken());
    Ok(())
}
