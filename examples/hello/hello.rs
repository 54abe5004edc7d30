//! Two routing protocols share one router: `pim` has interface 1, where the sources are, `edge`
//! has interface 2, where somebody wants to listen. The router itself is a table in memory, to
//! which this program hands packets.

use mgm_client::host::{self, Forwarder, LogLevel, Packet, Route, Settings};
use mgm_client::{mfes, protocol, Callbacks, Client, Events, Flow, Incoming, Interface};
use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;

struct Pim;

impl Callbacks for Pim {
    fn events(&self) -> Events {
        Events::RPF | Events::JOIN_ALERT | Events::PRUNE_ALERT
    }

    fn rpf(&self, flow: Flow, suggested: Incoming, _header: &[u8]) -> Incoming {
        println!("rpf: {flow} has to arrive on interface {}", suggested.interface);
        suggested
    }

    fn join_alert(&self, flow: Flow, somebody_else: bool) {
        if somebody_else {
            println!("join: somebody else wants {flow}");
        } else {
            println!("join: {flow} has an outgoing interface again");
        }
    }

    fn prune_alert(&self, flow: Flow, _: Interface, nobody_else: bool, timeout: u32) -> u32 {
        if nobody_else {
            println!("prune: nobody else wants {flow}");
        } else {
            println!("prune: {flow} has no outgoing interface");
        }
        timeout
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hello: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let (source, group) = (Ipv4Addr::new(10, 0, 0, 5), Ipv4Addr::new(239, 1, 2, 3));
    let (major, minor) = host::version()?.api;
    println!("mgm {major}.{minor}");
    Settings::new().forwarder(Forwarder::Memory).log_level(LogLevel::Off).start()?;
    host::add_route(Route::connected("10.0.0.0/8".parse()?, 1))?;

    let pim = Client::register(protocol::OTHER, 1, Pim)?;
    let edge = Client::register(protocol::OTHER, 2, ())?;
    pim.take(1)?;
    edge.take(2)?;
    if let Some(code) = edge.take(1).err().and_then(|refusal| refusal.code()) {
        println!("refused: code {}", u32::from(code));
    }

    edge.join(2, Flow::any_source(group))?;
    let packet = Packet { source, group, interface: 1.into(), header: &[], size: 100 };
    for interface in host::packet_in(packet)?.outgoing {
        println!("packet: goes out on interface {interface}");
    }
    for mfe in mfes() {
        let mfe = mfe?;
        println!("mfe: {} from {} to {}", mfe.flow(), mfe.incoming, mfe.outgoing[0]);
    }
    edge.leave(2, Flow::any_source(group))?;
    Ok(())
}
