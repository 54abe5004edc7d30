//! Makes the structures of a configuration from the tables of a file.

use super::clients::Ids;
use super::keys::{BOUNDARY, ROOT};
use super::problem::FileText;
use super::reader::{Item, Read, Section};
use super::{check, read_igmp, values, Boundary, Config, Forwarder, Interface, LogLevel};
use super::{Client, ClientSocket, Module, Pattern, Proxy, Route, Router};
use mgm_igmp::config::{AccessList, ProxyUpstream, Rule};
use mgm_types::{Prefix, Scope};
use toml::de::{DeTable, DeValue};

/// Reads a whole file. The problems are added to `source`.
pub(super) fn config<'r>(source: &'r FileText<'r>, document: &'r DeTable<'r>) -> Config {
    let root = Section::root(source, &ROOT, document);
    let router = root.inside("router").map(|section| (section, router(&section)));
    let interfaces = each(&root, "interface", interface);
    let proxies = each(&root, "proxy", proxy);
    let routes = each(&root, "route", route);
    let clients = each(&root, "client", client);
    let modules = each(&root, "module", module);
    if let Some((section, router)) = &router {
        check::router(section, router);
    }
    check::interfaces(&interfaces);
    check::proxies(&proxies);
    check::routes(&routes);
    check::modules(&modules);
    Config {
        router: router.map(|(_, router)| router).unwrap_or_default(),
        interfaces: without_sections(interfaces),
        proxies: without_sections(proxies),
        routes: without_sections(routes),
        clients: without_sections(clients),
        modules: without_sections(modules),
    }
}

fn each<'r, T>(
    root: &Section<'r>,
    name: &str,
    read: fn(&Section<'r>) -> Option<T>,
) -> Vec<Read<'r, T>> {
    let sections = root.each(name).into_iter();
    sections.filter_map(|section| Some((section, read(&section)?))).collect()
}

fn without_sections<T>(read: Vec<Read<'_, T>>) -> Vec<T> {
    read.into_iter().map(|(_, value)| value).collect()
}

fn router(section: &Section<'_>) -> Router {
    let default = Router::default();
    let forwarder = section.word("forwarder").map(|word| match word {
        "ebpf" => Forwarder::Ebpf,
        "memory" => Forwarder::Memory,
        _ => Forwarder::Kernel,
    });
    Router {
        forwarder: forwarder.unwrap_or(default.forwarder),
        table: section.number("table").unwrap_or(default.table),
        unicast_table: section.number("unicast-table").unwrap_or(default.unicast_table),
        mfe_timeout: section.duration("mfe-timeout").map_or(default.mfe_timeout, |ms| ms / 1_000),
        max_flows: section.number("max-flows").unwrap_or(default.max_flows),
        max_igmp_entries: section.number("max-igmp-entries").unwrap_or(default.max_igmp_entries),
        clients: section.path_of_file("clients").unwrap_or(default.clients),
        daemons: section.bool("daemons").unwrap_or(default.daemons),
        daemons_address: section.address("daemons-address").unwrap_or(default.daemons_address),
        client_socket: client_socket(section),
        control: section.path_of_file("control").unwrap_or(default.control),
        log_level: section.word("log-level").and_then(LogLevel::named).unwrap_or(default.log_level),
    }
}

fn client_socket(section: &Section<'_>) -> ClientSocket {
    let default = ClientSocket::default();
    ClientSocket {
        owner: section.account("clients-owner"),
        group: section.account("clients-group"),
        mode: section.mode("clients-mode").unwrap_or(default.mode),
        most: section.number("max-clients").unwrap_or(default.most),
        most_of_user: section.number("max-clients-per-user"),
        answer_ms: section.duration("answer-timeout").unwrap_or(default.answer_ms),
    }
}

fn interface(section: &Section<'_>) -> Option<Interface> {
    let name = section.name("name");
    let igmp = section.inside("igmp");
    let interface = Interface {
        igmp: igmp.map(|igmp| read_igmp::link(&igmp)),
        version_is_set: igmp.is_some_and(|igmp| igmp.item("version").is_some()),
        ttl_threshold: section.number("ttl-threshold").unwrap_or(1),
        boundaries: section.list("boundaries", boundary).unwrap_or_default(),
        new_flows: section.number("new-flows"),
        // Without a name the table is useless. That it is missing was reported
        // already.
        name: name?,
    };
    Some(interface)
}

fn boundary(item: Item<'_>) -> Option<Boundary> {
    let DeValue::Table(_) = item.value() else {
        return item.parse(values::scope).map(|scope| Boundary { scope, name: None });
    };
    let section = item.section(&BOUNDARY)?;
    let prefix = section.prefix("scope");
    let name = section.text("name");
    let scope = prefix.and_then(|prefix| Scope::new(prefix.network(), prefix.length()))?;
    Some(Boundary { scope, name })
}

fn proxy(section: &Section<'_>) -> Option<Proxy> {
    let default = ProxyUpstream::default();
    let (upstream, downstream) = (upstream(section), section.names("downstream"));
    let (backup, groups) = (section.names("backup"), section.access_list("groups"));
    let (sources, forward_up) = (section.prefixes("sources"), forward_up(section));
    let forward_always = section.bool("forward-always");
    Some(Proxy {
        upstream: upstream?,
        backup: backup.unwrap_or_default(),
        downstream: downstream?,
        groups: groups.unwrap_or(default.groups),
        sources,
        forward_up: forward_up.unwrap_or(default.forward_up),
        forward_always: forward_always.unwrap_or(false),
    })
}

fn upstream(section: &Section<'_>) -> Option<Pattern> {
    let item = section.item("upstream")?;
    if let DeValue::Array(_) = item.value() {
        let text =
            "a proxy has one upstream: write a [[proxy]] for each, or name the others in backup";
        return item.refuse(Some(text.into()));
    }
    section.name("upstream")
}

fn forward_up(section: &Section<'_>) -> Option<AccessList> {
    match section.item("forward-up")?.value() {
        DeValue::Boolean(true) => None,
        DeValue::Boolean(false) => Some(AccessList { rules: Vec::new(), otherwise: false }),
        DeValue::Array(_) => section.list("forward-up", |item| item.rule()).map(|mut rules| {
            // No router forwards 224.0.0.0/24.
            let link_local = Prefix::of([224, 0, 0, 0].into(), 24);
            rules.insert(0, Rule { permit: false, prefix: link_local });
            values::access_list(rules)
        }),
        _ => section.item("forward-up")?.refuse(None),
    }
}

fn route(section: &Section<'_>) -> Option<Route> {
    let (from, to) = (section.name("from"), section.names("to"));
    let (source, group) = (section.prefix("source"), section.prefix("group"));
    Some(Route { from: from?, source: source.unwrap_or(Prefix::ALL), group: group?, to: to? })
}

fn client(section: &Section<'_>) -> Option<Client> {
    let (user, interfaces) = (section.account("user"), section.names("interfaces"));
    let protocols = section.list("protocols", |item| item.parse(|t| Ids::read(t).ok_or(None)));
    Some(Client { user: user?, protocols, interfaces })
}

fn module(section: &Section<'_>) -> Option<Module> {
    let (path, args) = (section.path_of_file("path"), section.text("args"));
    Some(Module { path: path?, args: args.unwrap_or_default() })
}
