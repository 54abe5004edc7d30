//! Looks at the system.

mod configuration;
mod filters;
mod iptables;
mod kernel;
mod links;
mod listen;
mod mgmd;
mod nftables;
mod processes;

use super::facts::{lasting, Facts, Mgmd, ReversePath, Table};
use super::report::Report;
use super::Options;
use listen::Captures;
use mgm_net::links::Links;
use mgm_net::mroute::Reader;
use mgm_net::netlink::Dumper;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

/// At most as many sources are looked up.
const SOURCES: usize = 4_096;

/// The command that may look at everything.
pub const AS_ROOT: &str = "sudo mgmctl doctor";

/// Collects all facts. What cannot be examined is added to the report.
///
/// # Errors
/// Netlink is missing or blocked, or an interface that the user has named does not exist.
pub fn collect(options: &Options, report: &mut Report) -> io::Result<Facts> {
    let mut dumper = Dumper::open()?;
    let links = dumper.links()?;
    let mut facts = Facts { links: links::read(&links, &mut dumper)?, ..Facts::default() };
    facts.named = named(options, &links)?;
    facts.mgmd = mgmd::open(options);
    let mut reader = Reader::open()?;
    let tables = kernel::tables(&mut reader).unwrap_or_else(|error| {
        report.gap("the multicast routing of the kernel", error.to_string(), None);
        Vec::new()
    });
    let chosen = chosen(&facts, &links, &tables);
    let entries = listen(options, &chosen, (&mut facts, report), &mut reader);
    facts.tables = with_lasting_entries(tables, entries);
    facts.rules = kernel::rules(&mut reader).unwrap_or_default();
    facts.reverse_paths = reverse_paths(&facts, &links, (&mut reader, &mut dumper));
    facts.stale_filters = filters::stale(&mut dumper).unwrap_or_else(|error| {
        report.gap("the filters of traffic control", error.to_string(), None);
        BTreeMap::new()
    });
    facts.programs = processes::programs();
    facts.firewall = nftables::read(report);
    iptables::read(facts.programs, &mut facts.firewall, report);
    facts.routers = processes::routers(report);
    Ok(facts)
}

fn named(options: &Options, links: &Links) -> io::Result<BTreeSet<u32>> {
    let index = |name: &String| {
        let link = links.named(name).map(|link| link.index);
        link.ok_or_else(|| io::Error::other(format!("there is no interface {name}")))
    };
    options.interfaces.iter().map(index).collect()
}

/// The links to listen on: those that the user has named, otherwise those of all multicast routers.
fn chosen(facts: &Facts, links: &Links, tables: &[Table]) -> BTreeSet<u32> {
    if !facts.named.is_empty() {
        return facts.named.clone();
    }
    let vifs = tables.iter().flat_map(|table| &table.vifs).filter(|vif| !vif.is_virtual);
    let of_router = facts.mgmd.router.iter().flat_map(|router| &router.interfaces);
    let of_router = of_router.filter_map(|interface| interface.index);
    let all = vifs.map(|vif| vif.link).chain(of_router);
    all.filter(|link| links.get(*link).is_some()).collect()
}

/// The entries of the tables before and after the capture.
type Entries = [BTreeMap<u32, Vec<super::facts::Entry>>; 2];

/// Captures packets, and asks for everything that changes before and after that.
fn listen(
    options: &Options,
    chosen: &BTreeSet<u32>,
    (facts, report): (&mut Facts, &mut Report),
    reader: &mut Reader,
) -> Entries {
    let mut captures = Captures::open(chosen, facts, report);
    let mut entries = |report: &mut Report| {
        kernel::entries(reader).unwrap_or_else(|error| {
            report.gap("the entries of multicast routing", error.to_string(), None);
            BTreeMap::new()
        })
    };
    let before = entries(report);
    mgmd::begin(&mut facts.mgmd);
    let drops = kernel::reverse_path_drops();
    if !captures.is_empty() {
        say_that_it_takes_time(options, facts, chosen);
        // The entries may be newer than the packets that wait.
        captures.forget();
        captures.listen(options.listen, &mut facts.traffic);
        facts.listened = options.listen;
    }
    mgmd::end(&mut facts.mgmd, report);
    let after = entries(report);
    captures.finish(&mut facts.traffic);
    facts.reverse_path_drops =
        drops.zip(kernel::reverse_path_drops()).map(|(old, new)| new.saturating_sub(old));
    facts.heard = captures.links();
    report.listened_ms = facts.listened.as_millis() as u64;
    report.interfaces = facts.heard.iter().map(|link| facts.name(*link)).collect();
    let arrived = facts.traffic.arrived();
    report.streams =
        arrived.iter().map(|(stream, ..)| stream).collect::<BTreeSet<_>>().len() as u64;
    [before, after]
}

fn say_that_it_takes_time(options: &Options, facts: &Facts, chosen: &BTreeSet<u32>) {
    use std::io::IsTerminal;
    if options.listen >= Duration::from_secs(1) && io::stderr().is_terminal() {
        let names: Vec<String> = chosen.iter().map(|link| facts.name(*link)).collect();
        let (names, seconds) = (names.join(", "), options.listen.as_secs_f64());
        eprintln!("listening on {names} for {seconds:.0} s");
    }
}

fn with_lasting_entries(tables: Vec<Table>, [before, after]: Entries) -> Vec<Table> {
    let of = |all: &BTreeMap<u32, Vec<_>>, id| all.get(&id).cloned().unwrap_or_default();
    tables
        .into_iter()
        .map(|table| Table {
            entries: lasting(&of(&before, table.id), &of(&after, table.id)),
            ..table
        })
        .collect()
}

/// Where the routes to those sources lead that the kernel does not accept on the link where their
/// packets arrive.
fn reverse_paths(
    facts: &Facts,
    links: &Links,
    (reader, dumper): (&mut Reader, &mut Dumper),
) -> BTreeMap<(u32, Ipv4Addr), ReversePath> {
    let arrived = facts.traffic.arrived();
    let all: BTreeSet<_> = arrived.iter().map(|(stream, link, _)| (*link, stream.source)).collect();
    let is_checked = |link: &u32| {
        let filter = facts.links.get(link).and_then(|known| known.rp_filter);
        filter.is_some_and(|filter| !filter.is_off())
    };
    let checked = all.into_iter().filter(|(link, _)| is_checked(link)).take(SOURCES);
    // What is not known is no fault.
    let refused = checked.filter(|(link, source)| {
        reader.accepts_source(*source, *link).is_ok_and(|accepts| !accepts)
    });
    refused
        .filter_map(|(link, source)| {
            let vrf = links.get(link).and_then(|known| known.master);
            let vrf = vrf.filter(|master| links.get(*master).is_some_and(|link| link.is_vrf()));
            let through = kernel::route(dumper, source, vrf).ok()?;
            let path = match through.first() {
                None => ReversePath::Missing,
                Some(_) if through.contains(&link) => return None,
                Some(other) => ReversePath::Elsewhere(facts.name(*other)),
            };
            Some(((link, source), path))
        })
        .collect()
}

/// Whether an error means that a privilege is missing.
fn is_forbidden(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

impl Mgmd {
    /// Whether nothing of mgmd can be asked.
    fn is_silent(&self) -> bool {
        self.router.is_none()
    }
}
