//! The requests: paths, parameters and bodies.

mod body;
mod explain;
mod keys;
mod paths;
#[cfg(test)]
mod tests;

pub use body::{LogLevel, Membership};
pub use explain::ExplainQuery;
pub use keys::{FlowKey, GroupKey, InterfaceName};
pub use paths::{Endpoint, ENDPOINTS};

#[cfg(doc)]
use crate::error::ErrorCode;
use crate::error::Failure;
use crate::page::Page;
use crate::query::{Parameters, Query};
use std::net::Ipv4Addr;

/// What a client asks mgmd for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The router as a whole: [`Answer::Status`](crate::Answer::Status).
    Status,
    /// The configured interfaces, by name.
    Interfaces(InterfacesQuery),
    /// IGMP on the links, by name.
    Igmp(InterfacesQuery),
    /// What hosts want, by the interface's name and the group.
    Groups(GroupsQuery),
    /// The MFEs, by group and source.
    Flows(FlowsQuery),
    /// The clients of the library, in the order in which they have registered.
    Clients(ClientsQuery),
    /// One flow, from its route to the first reason why its packets do not go out.
    Explain(ExplainQuery),
    /// The upstreams of the proxy, in the order of the configuration.
    Proxies,
    /// The static routes, in the order of the configuration.
    Routes,
    /// Add a static membership until the next start.
    Join(Membership),
    /// Remove a static membership that [`Request::Join`] added.
    Leave(Membership),
    /// Read the configuration file again.
    Reload,
    /// Change the level of the log until the next start or reload.
    LogLevel(LogLevel),
}

/// Which interfaces are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfacesQuery {
    /// Only this one. mgmd answers with [`ErrorCode::NotFound`] if it is not configured.
    pub interface: Option<InterfaceName>,
    /// Which part of the list.
    pub page: Page<InterfaceName>,
}

/// Which groups are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupsQuery {
    /// Only those of this interface.
    pub interface: Option<InterfaceName>,
    /// Only this group.
    pub group: Option<Ipv4Addr>,
    /// With the hosts of each group, where they are tracked.
    pub hosts: bool,
    /// Which part of the list.
    pub page: Page<GroupKey>,
}

/// Which flows are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowsQuery {
    /// Only those of this group.
    pub group: Option<Ipv4Addr>,
    /// Only those of this source.
    pub source: Option<Ipv4Addr>,
    /// Which part of the list.
    pub page: Page<FlowKey>,
}

/// Which clients are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientsQuery {
    /// Which part of the list, by the number of the client.
    pub page: Page<u64>,
}

/// A request in the words of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// "GET" or "POST".
    pub method: &'static str,
    /// The path with the parameters.
    pub target: String,
    /// The body, in JSON.
    pub body: Option<String>,
}

const INTERFACE: &str = "the name of an interface, such as eth1";
const GROUP: &str = "an IPv4 address, such as 239.1.1.1";
const SOURCE: &str = "an IPv4 address, such as 10.1.1.1";

impl Request {
    /// Reads a request. `target` is the path with the parameters.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownPath`] with the list of paths, [`ErrorCode::WrongMethod`], or
    /// [`ErrorCode::Invalid`] for parameters and bodies, with what is allowed.
    pub fn read(method: &str, target: &str, body: &[u8]) -> Result<Request, Failure> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let endpoint = paths::find(method, path)?;
        let mut query = Query::new(path, query);
        if !endpoint.has_body && !body.is_empty() {
            return Err(Failure::invalid(format!("{path}: send no body")));
        }
        let request = match path {
            "/v1/status" => Request::Status,
            "/v1/interfaces" => Request::Interfaces(InterfacesQuery::read(&mut query)?),
            "/v1/igmp" => Request::Igmp(InterfacesQuery::read(&mut query)?),
            "/v1/groups" => Request::Groups(GroupsQuery::read(&mut query)?),
            "/v1/flows" => Request::Flows(FlowsQuery::read(&mut query)?),
            "/v1/clients" => Request::Clients(ClientsQuery::read(&mut query)?),
            "/v1/explain" => Request::Explain(ExplainQuery::read(&mut query)?),
            "/v1/proxies" => Request::Proxies,
            "/v1/routes" => Request::Routes,
            "/v1/join" => Request::Join(Membership::read(path, body)?),
            "/v1/leave" => Request::Leave(Membership::read(path, body)?),
            "/v1/reload" => Request::Reload,
            "/v1/log" => Request::LogLevel(body::log_level(path, body)?),
            _ => return Err(paths::unknown(path)),
        };
        query.finish()?;
        Ok(request)
    }

    /// The same request in the words of HTTP.
    #[must_use]
    pub fn write(&self) -> Written {
        let mut parameters = Parameters::default();
        let (path, body) = match self {
            Request::Status => ("/v1/status", None),
            Request::Interfaces(query) => (query.write(&mut parameters, "/v1/interfaces"), None),
            Request::Igmp(query) => (query.write(&mut parameters, "/v1/igmp"), None),
            Request::Groups(query) => (query.write(&mut parameters), None),
            Request::Flows(query) => (query.write(&mut parameters), None),
            Request::Clients(query) => (query.write(&mut parameters), None),
            Request::Explain(query) => (query.write(&mut parameters), None),
            Request::Proxies => ("/v1/proxies", None),
            Request::Routes => ("/v1/routes", None),
            Request::Join(membership) => ("/v1/join", Some(membership.write())),
            Request::Leave(membership) => ("/v1/leave", Some(membership.write())),
            Request::Reload => ("/v1/reload", None),
            Request::LogLevel(level) => ("/v1/log", Some(body::write_log_level(*level))),
        };
        let method = if self.is_change() { "POST" } else { "GET" };
        Written { method, target: parameters.after(path), body }
    }

    /// Whether it changes the router: then only root and mgmd's own user may make it.
    #[must_use]
    pub fn is_change(&self) -> bool {
        match self {
            Request::Join(_) | Request::Leave(_) | Request::Reload | Request::LogLevel(_) => true,
            Request::Status
            | Request::Interfaces(_)
            | Request::Igmp(_)
            | Request::Groups(_)
            | Request::Flows(_)
            | Request::Clients(_)
            | Request::Explain(_)
            | Request::Proxies
            | Request::Routes => false,
        }
    }
}

impl InterfacesQuery {
    fn read(query: &mut Query) -> Result<InterfacesQuery, Failure> {
        Ok(InterfacesQuery {
            interface: query.take("interface", INTERFACE)?,
            page: page(query, "the value of \"next\" of the page before, such as eth1")?,
        })
    }

    fn write(&self, parameters: &mut Parameters, path: &'static str) -> &'static str {
        parameters.add("interface", self.interface.as_ref());
        write_page(parameters, &self.page);
        path
    }
}

impl GroupsQuery {
    fn read(query: &mut Query) -> Result<GroupsQuery, Failure> {
        Ok(GroupsQuery {
            interface: query.take("interface", INTERFACE)?,
            group: query.take("group", GROUP)?,
            hosts: query.take("hosts", "true or false")?.unwrap_or(false),
            page: page(query, "the value of \"next\" of the page before, such as eth1/239.1.1.1")?,
        })
    }

    fn write(&self, parameters: &mut Parameters) -> &'static str {
        parameters.add("interface", self.interface.as_ref()).add("group", self.group);
        parameters.add("hosts", self.hosts.then_some(true));
        write_page(parameters, &self.page);
        "/v1/groups"
    }
}

impl FlowsQuery {
    fn read(query: &mut Query) -> Result<FlowsQuery, Failure> {
        let after = "the value of \"next\" of the page before, such as 239.1.1.1/10.1.1.1";
        Ok(FlowsQuery {
            group: query.take("group", GROUP)?,
            source: query.take("source", SOURCE)?,
            page: page(query, after)?,
        })
    }

    fn write(&self, parameters: &mut Parameters) -> &'static str {
        parameters.add("group", self.group).add("source", self.source);
        write_page(parameters, &self.page);
        "/v1/flows"
    }
}

impl ClientsQuery {
    fn read(query: &mut Query) -> Result<ClientsQuery, Failure> {
        let after = "the value of \"next\" of the page before, such as 12";
        Ok(ClientsQuery { page: page(query, after)? })
    }

    fn write(&self, parameters: &mut Parameters) -> &'static str {
        write_page(parameters, &self.page);
        "/v1/clients"
    }
}

fn page<K: std::str::FromStr>(query: &mut Query, after: &str) -> Result<Page<K>, Failure> {
    let after = query.take("after", after)?;
    let limit = query.take("limit", "a whole number from 1 to 10000")?;
    let limit = limit.unwrap_or(Page::<K>::DEFAULT_LIMIT);
    if !(1..=Page::<K>::MAX_LIMIT).contains(&limit) {
        let text = format!("invalid limit={limit}: use a whole number from 1 to 10000");
        return Err(Failure::invalid(text));
    }
    Ok(Page { after, limit })
}

fn write_page<K: ToString>(parameters: &mut Parameters, page: &Page<K>) {
    let limit = (page.limit != Page::<K>::DEFAULT_LIMIT).then_some(page.limit);
    parameters.add("after", page.after.as_ref().map(ToString::to_string)).add("limit", limit);
}

impl std::fmt::Display for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.target)
    }
}
