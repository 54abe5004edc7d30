//! Which users may run client processes, and what these processes may do.

use super::Pattern;
use nix::errno::Errno;
use nix::unistd::{Group, User};

/// How routing protocols in other processes are served: keys of `[router]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSocket {
    /// The user that owns the socket, if it is not that of mgmd.
    pub owner: Option<String>,
    /// The group of the socket, if it is not that of mgmd.
    pub group: Option<String>,
    /// The mode of the socket.
    pub mode: u32,
    /// How many processes may be connected.
    pub most: u32,
    /// How many processes of one user may be connected, if there is such a limit.
    pub most_of_user: Option<u32>,
    /// How long a question waits for its answer, in milliseconds.
    pub answer_ms: u32,
}

impl Default for ClientSocket {
    fn default() -> ClientSocket {
        ClientSocket {
            owner: None,
            group: None,
            mode: 0o660,
            most: 1_000,
            most_of_user: None,
            answer_ms: 1_000,
        }
    }
}

/// `[[client]]`: what the processes of a user may do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// The name or number of the user; "*" for all users without a table.
    pub user: String,
    /// The ids with which its protocols may register, if they are limited.
    pub protocols: Option<Vec<Ids>>,
    /// The interfaces that they may take, if they are limited.
    pub interfaces: Option<Vec<Pattern>>,
}

/// A protocol id, with one or all component ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ids {
    /// The protocol id.
    pub protocol: u32,
    /// The component id; `None` for all.
    pub component: Option<u32>,
}

impl Ids {
    /// "200" or "200/1".
    #[must_use]
    pub fn read(text: &str) -> Option<Ids> {
        let number = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is_number)
        };
        match text.split_once('/') {
            None => Some(Ids { protocol: number(text)?, component: None }),
            Some((protocol, component)) => {
                Some(Ids { protocol: number(protocol)?, component: Some(number(component)?) })
            }
        }
    }
}

/// The number of a user: of this name, or the number itself.
#[must_use]
pub fn user_id(user: &str) -> Option<u32> {
    user.parse().ok().or_else(|| look_up_user(user).ok().flatten())
}

/// The number of the user of this name, if there is one.
///
/// # Errors
/// The system cannot say.
pub fn look_up_user(name: &str) -> Result<Option<u32>, Errno> {
    Ok(User::from_name(name)?.map(|user| user.uid.as_raw()))
}

/// The number of a group: of this name, or the number itself.
#[must_use]
pub fn group_id(group: &str) -> Option<u32> {
    let named = || Some(Group::from_name(group).ok()??.gid.as_raw());
    group.parse().ok().or_else(named)
}

/// What a client process asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish<'a> {
    /// The number of its user.
    pub user: u32,
    /// The protocol id of the client.
    pub protocol: u32,
    /// The component id of the client.
    pub component: u32,
    /// The interface that the client takes; `None` if it registers.
    pub interface: Option<Taken<'a>>,
}

/// An interface that a client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken<'a> {
    /// Its name, if the system has one for it.
    pub name: Option<&'a str>,
}

/// The tables `[[client]]`, with the numbers of their users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientRules {
    rules: Vec<(Option<u32>, Client)>,
    /// The tables of users that the system did not have.
    unknown: Vec<Client>,
}

impl ClientRules {
    /// Looks up the users.
    #[must_use]
    pub fn of(clients: &[Client], user_id: impl Fn(&str) -> Option<u32>) -> ClientRules {
        let mut all = ClientRules::default();
        for client in clients {
            match (client.user.as_str(), user_id(&client.user)) {
                ("*", _) => all.rules.push((None, client.clone())),
                (_, Some(user)) => all.rules.push((Some(user), client.clone())),
                (_, None) => all.unknown.push(client.clone()),
            }
        }
        all
    }

    /// The users of tables that the system did not have.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.unknown.iter().map(|client| client.user.as_str())
    }

    /// Whether a client process may do this. A user without a table may do everything, unless there
    /// is a table for `*`. Of several tables of one user, one must permit it. `look_up` looks up a
    /// user that did not exist, because it may exist by now. If the system cannot say, nobody is
    /// permitted anything.
    #[must_use]
    pub fn permits(
        &self,
        wish: &Wish<'_>,
        look_up: impl Fn(&str) -> Result<Option<u32>, Errno>,
    ) -> bool {
        let named = |user: Option<u32>| self.rules.iter().filter(move |(of, _)| *of == user);
        let mut tables: Vec<&Client> = named(Some(wish.user)).map(|(_, client)| client).collect();
        for client in &self.unknown {
            match look_up(&client.user) {
                Ok(user) if user == Some(wish.user) => tables.push(client),
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        if tables.is_empty() {
            tables.extend(named(None).map(|(_, client)| client));
        }
        tables.is_empty() || tables.iter().any(|client| client.permits(wish))
    }
}

impl Client {
    fn permits(&self, wish: &Wish<'_>) -> bool {
        let is_one = |ids: &Ids| {
            ids.protocol == wish.protocol
                && ids.component.is_none_or(|component| component == wish.component)
        };
        let matches = |taken: Taken<'_>| {
            self.interfaces.as_ref().is_none_or(|patterns| {
                let is_there = |name: &str| patterns.iter().any(|pattern| pattern.matches(name));
                taken.name.is_some_and(is_there)
            })
        };
        self.protocols.as_ref().is_none_or(|all| all.iter().any(is_one))
            && wish.interface.is_none_or(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A user, its ids and its interfaces.
    type Row<'a> = (&'a str, Option<&'a [&'a str]>, Option<&'a [&'a str]>);

    fn rules(clients: &[Row<'_>]) -> ClientRules {
        let clients: Vec<Client> = clients
            .iter()
            .map(|(user, protocols, interfaces)| Client {
                user: (*user).into(),
                protocols: protocols
                    .map(|all| all.iter().map(|ids| Ids::read(ids).unwrap()).collect()),
                interfaces: interfaces
                    .map(|all| all.iter().map(|name| Pattern::new(name).unwrap()).collect()),
            })
            .collect();
        let known = |user: &str| match user {
            "pim" => Some(100),
            "frr" => Some(200),
            _ => user.parse().ok(),
        };
        ClientRules::of(&clients, known)
    }

    /// Whether it is permitted on a system without further users.
    fn permits(rules: &ClientRules, wish: &Wish<'_>) -> bool {
        rules.permits(wish, |_| Ok(None))
    }

    fn registers(user: u32, protocol: u32, component: u32) -> Wish<'static> {
        Wish { user, protocol, component, interface: None }
    }

    fn takes(user: u32, name: Option<&str>) -> Wish<'_> {
        Wish { interface: Some(Taken { name }), ..registers(user, 7, 0) }
    }

    #[test]
    fn m52_a_user_may_do_what_one_of_its_tables_permits() {
        let rules = rules(&[
            ("pim", Some(&["7", "200/1"]), Some(&["eth*"])),
            ("pim", Some(&["300"]), None),
            ("frr", None, Some(&["lan0"])),
        ]);
        assert!(permits(&rules, &registers(100, 7, 5)) && permits(&rules, &registers(100, 300, 0)));
        assert!(
            permits(&rules, &registers(100, 200, 1)) && !permits(&rules, &registers(100, 200, 2))
        );
        assert!(!permits(&rules, &registers(100, 8, 0)));
        assert!(permits(&rules, &takes(100, Some("eth1"))));
        assert!(!permits(&rules, &takes(100, Some("lan0"))) && !permits(&rules, &takes(100, None)));
        let other = Wish { protocol: 300, ..takes(100, Some("lan0")) };
        assert!(permits(&rules, &other), "the table with these ids permits all interfaces");
        assert!(
            permits(&rules, &registers(200, 9, 9)) && permits(&rules, &takes(200, Some("lan0")))
        );
        assert!(!permits(&rules, &takes(200, Some("eth1"))));
        assert!(permits(&rules, &takes(300, None)), "a user without a table is not restricted");
    }

    #[test]
    fn m52_a_star_is_for_all_users_without_a_table() {
        let rules = rules(&[("pim", None, None), ("*", Some(&["9"]), None)]);
        assert!(permits(&rules, &registers(100, 7, 0)));
        assert!(!permits(&rules, &registers(300, 7, 0)) && permits(&rules, &registers(300, 9, 0)));
        assert!(!permits(&rules, &registers(0, 7, 0)), "root, too");
    }

    #[test]
    fn m52_a_user_that_does_not_exist_has_no_rights_and_is_named() {
        let rules = rules(&[("nobody-has-it", None, None), ("12", Some(&["9"]), None)]);
        assert!(rules.unknown().eq(["nobody-has-it"]));
        assert!(!permits(&rules, &registers(12, 7, 0)), "a number needs no user");
        assert!(permits(&ClientRules::default(), &registers(12, 7, 0)));
    }

    #[test]
    fn m52_a_user_that_is_created_later_is_restricted_at_once() {
        let rules = rules(&[("later", Some(&["9"]), None), ("12", Some(&["9"]), None)]);
        let created = |user: &str| Ok((user == "later").then_some(300));
        assert!(!rules.permits(&registers(300, 7, 0), created));
        assert!(rules.permits(&registers(300, 9, 0), created));
        assert!(rules.permits(&registers(301, 7, 0), created), "another user has no table");
        // While the system cannot say which user that is, it may be any.
        assert!(!rules.permits(&registers(301, 7, 0), |_| Err(Errno::EIO)));
    }

    #[test]
    fn users_and_groups_are_names_or_numbers() {
        assert_eq!((look_up_user("root"), look_up_user("no such user")), (Ok(Some(0)), Ok(None)));
        assert_eq!((user_id("root"), group_id("root")), (Some(0), Some(0)));
        assert_eq!((user_id("4711"), group_id("4711")), (Some(4711), Some(4711)));
        assert_eq!((user_id("no such user"), group_id("no such group")), (None, None));
    }

    #[test]
    fn ids_are_one_number_or_two() {
        assert_eq!(Ids::read("200"), Some(Ids { protocol: 200, component: None }));
        assert_eq!(Ids::read("200/1"), Some(Ids { protocol: 200, component: Some(1) }));
        for bad in ["", "/", "1/", "/1", "+1", "x", "1/2/3", "4294967296"] {
            assert_eq!(Ids::read(bad), None, "{bad}");
        }
    }
}
