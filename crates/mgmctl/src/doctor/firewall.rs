//! The packet filter: the chains that may drop packets, and commands that let packets pass. No I/O
//! here.

use super::shell::quoted;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::Ipv4Addr;

/// The chains at the hooks of the packet filter that may drop packets.
#[derive(Clone, Debug, Default)]
pub struct Firewall {
    /// The chains, in the order in which they were read.
    pub chains: Vec<Chain>,
    /// Whether all of them could be read.
    pub is_known: bool,
}

/// The programs that can change the packet filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    /// Whether nft is there.
    pub nft: bool,
    /// The name of the iptables that changes nftables.
    pub iptables_nft: Option<&'static str>,
    /// The name of the iptables that changes the kernel's older packet filter.
    pub iptables_legacy: Option<&'static str>,
}

/// Where a packet meets the packet filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// It has arrived on a link.
    Ingress,
    /// It is not routed yet.
    Prerouting,
    /// It is for this machine.
    Input,
    /// It is forwarded.
    Forward,
    /// This machine sends it.
    Output,
    /// It is about to leave.
    Postrouting,
    /// It is given to a link.
    Egress,
}

impl Hook {
    /// The hooks of a packet before it is routed.
    pub const BEFORE_ROUTING: [Hook; 2] = [Hook::Ingress, Hook::Prerouting];
    /// The hooks of a packet that is forwarded, after it is routed.
    pub const FORWARDING: [Hook; 3] = [Hook::Forward, Hook::Postrouting, Hook::Egress];
    /// The hooks of a packet that this machine sends.
    pub const SENDING: [Hook; 3] = [Hook::Output, Hook::Postrouting, Hook::Egress];

    /// The hook of a chain of iptables.
    pub fn of_iptables(chain: &str) -> Option<Hook> {
        Some(match chain {
            "PREROUTING" => Hook::Prerouting,
            "INPUT" => Hook::Input,
            "FORWARD" => Hook::Forward,
            "OUTPUT" => Hook::Output,
            "POSTROUTING" => Hook::Postrouting,
            _ => return None,
        })
    }

    /// Whether a rule may name the link on which the packet has arrived, and the link by which it
    /// leaves.
    fn knows(self) -> (bool, bool) {
        match self {
            Hook::Prerouting | Hook::Input => (true, false),
            Hook::Forward => (true, true),
            Hook::Output | Hook::Postrouting => (false, true),
            // Such a chain is for certain links already.
            Hook::Ingress | Hook::Egress => (false, false),
        }
    }
}

/// A chain that may drop packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its hook.
    pub hook: Hook,
    /// Its name.
    pub name: ChainName,
    /// Why it is suspected.
    pub suspicion: Suspicion,
}

/// The name of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainName {
    /// A chain of nftables.
    Nft {
        /// `ip`, `inet` or `netdev`.
        family: &'static str,
        /// The table.
        table: String,
        /// The chain.
        chain: String,
        /// Whether only the program that made the table can change it.
        has_owner: bool,
    },
    /// A chain of the kernel's older packet filter, of iptables.
    Iptables {
        /// The table.
        table: String,
        /// The chain.
        chain: String,
    },
}

/// Why a chain is suspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// It drops all packets that no rule accepts.
    Policy,
    /// It has a rule that drops packets.
    Rule,
    /// Its rules could not be read.
    Unread,
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            ChainName::Nft { family, table, chain, .. } => {
                write!(f, "chain {family} {table} {chain} of nftables")?;
            }
            ChainName::Iptables { table, chain } => {
                write!(f, "chain {chain} of the table {table} of iptables")?;
            }
        }
        f.write_str(match self.suspicion {
            Suspicion::Policy => ", policy drop",
            Suspicion::Rule => ", which has a rule that drops packets",
            Suspicion::Unread => ", whose rules cannot be read",
        })
    }
}

/// Packets that should pass.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    /// The name of the link on which they arrive.
    pub arrives_on: Option<&'a str>,
    /// The name of the link by which they leave.
    pub leaves_by: Option<&'a str>,
    /// Which packets.
    pub what: What,
}

/// Which packets should pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Those to one group.
    Group(Ipv4Addr),
    /// All multicast packets.
    AllGroups,
    /// IGMP.
    Igmp,
}

impl Firewall {
    /// The chains at these hooks that may drop packets. Chains whose policy is to drop come
    /// first.
    pub fn suspects(&self, hooks: &[Hook]) -> Vec<&Chain> {
        let mut found: Vec<&Chain> =
            self.chains.iter().filter(|chain| hooks.contains(&chain.hook)).collect();
        found.sort_by_key(|chain| chain.suspicion != Suspicion::Policy);
        found
    }
}

/// The suspects as a text: "chain ip filter FORWARD of nftables, policy drop".
pub fn list(suspects: &[&Chain]) -> String {
    let texts: Vec<String> = suspects.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// The command that lets packets pass all these chains. A rule at the beginning of a chain ends
/// only this chain, so each of them needs one.
pub fn pass(suspects: &[&Chain], passing: Passing<'_>, programs: Programs) -> String {
    if suspects.is_empty() {
        return "nft list ruleset".into();
    }
    let commands: Vec<String> =
        suspects.iter().map(|chain| pass_one(chain, passing, programs)).collect();
    commands.join(" && ")
}

fn pass_one(chain: &Chain, passing: Passing<'_>, programs: Programs) -> String {
    let (knows_arrival, knows_leaving) = chain.hook.knows();
    let passing = Passing {
        arrives_on: passing.arrives_on.filter(|_| knows_arrival),
        leaves_by: passing.leaves_by.filter(|_| knows_leaving),
        ..passing
    };
    match &chain.name {
        ChainName::Iptables { table, chain } => {
            iptables(programs.iptables_legacy.unwrap_or("iptables"), table, chain, passing)
        }
        ChainName::Nft { family, table, chain, has_owner: true } => {
            format!("nft list chain {family} {table} {chain}")
        }
        ChainName::Nft { family, table, chain, .. } => match programs.iptables_nft {
            // iptables has made it, and would not show a rule of nft.
            Some(program) if *family == "ip" && Hook::of_iptables(chain).is_some() => {
                iptables(program, table, chain, passing)
            }
            _ => nft(&format!("{family} {table} {chain}"), passing),
        },
    }
}

fn nft(chain: &str, passing: Passing<'_>) -> String {
    let mut rule = format!("insert rule {chain}");
    if let Some(name) = passing.arrives_on {
        rule += &format!(" iifname \"{name}\"");
    }
    if let Some(name) = passing.leaves_by {
        rule += &format!(" oifname \"{name}\"");
    }
    rule += &match passing.what {
        What::Group(group) => format!(" ip daddr {group} accept"),
        What::AllGroups => " ip daddr 224.0.0.0/4 accept".into(),
        What::Igmp => " ip protocol igmp accept".into(),
    };
    format!("nft {}", quoted(&rule))
}

fn iptables(program: &str, table: &str, chain: &str, passing: Passing<'_>) -> String {
    let mut command = format!("{program} -t {table} -I {chain}");
    if let Some(name) = passing.arrives_on {
        command += &format!(" -i {}", quoted(name));
    }
    if let Some(name) = passing.leaves_by {
        command += &format!(" -o {}", quoted(name));
    }
    command += &match passing.what {
        What::Group(group) => format!(" -d {group}"),
        What::AllGroups => " -d 224.0.0.0/4".into(),
        What::Igmp => " -p igmp".into(),
    };
    command + " -j ACCEPT"
}

/// The rules of a chain, as far as they matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Whether a rule drops packets.
    pub drops: bool,
    /// The chains to which rules jump.
    pub jumps: Vec<String>,
}

/// Whether a packet can be dropped in a chain, or in one to which it jumps.
pub fn may_drop(chains: &HashMap<String, Rules>, chain: &str) -> bool {
    let (mut waiting, mut seen) = (vec![chain], HashSet::new());
    while let Some(name) = waiting.pop() {
        let Some(rules) = chains.get(name).filter(|_| seen.insert(name)) else { continue };
        if rules.drops {
            return true;
        }
        waiting.extend(rules.jumps.iter().map(String::as_str));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Programs = Programs { nft: false, iptables_nft: None, iptables_legacy: None };
    const BOTH: Programs = Programs {
        nft: true,
        iptables_nft: Some("iptables-nft"),
        iptables_legacy: Some("iptables-legacy"),
    };

    fn nft_chain(hook: Hook, family: &'static str, table: &str, chain: &str) -> Chain {
        let (table, chain) = (table.into(), chain.into());
        let name = ChainName::Nft { family, table, chain, has_owner: false };
        Chain { hook, name, suspicion: Suspicion::Policy }
    }

    fn passing(what: What) -> Passing<'static> {
        Passing { arrives_on: Some("src"), leaves_by: Some("lan"), what }
    }

    #[test]
    fn the_command_fits_the_chain() {
        let group = What::Group(Ipv4Addr::new(239, 1, 1, 1));
        let old = Chain {
            hook: Hook::Forward,
            name: ChainName::Iptables { table: "filter".into(), chain: "FORWARD".into() },
            suspicion: Suspicion::Rule,
        };
        let cases = [
            (
                nft_chain(Hook::Forward, "inet", "fw", "fwd"),
                BOTH,
                group,
                "nft 'insert rule inet fw fwd iifname \"src\" oifname \"lan\" ip daddr 239.1.1.1 \
                 accept'",
            ),
            (
                nft_chain(Hook::Forward, "ip", "filter", "FORWARD"),
                BOTH,
                What::AllGroups,
                "iptables-nft -t filter -I FORWARD -i src -o lan -d 224.0.0.0/4 -j ACCEPT",
            ),
            (
                nft_chain(Hook::Prerouting, "ip", "raw", "PREROUTING"),
                NONE,
                group,
                "nft 'insert rule ip raw PREROUTING iifname \"src\" ip daddr 239.1.1.1 accept'",
            ),
            (
                nft_chain(Hook::Output, "ip", "filter", "out"),
                BOTH,
                What::Igmp,
                "nft 'insert rule ip filter out oifname \"lan\" ip protocol igmp accept'",
            ),
            (
                nft_chain(Hook::Egress, "netdev", "t", "e"),
                NONE,
                group,
                "nft 'insert rule netdev t e ip daddr 239.1.1.1 accept'",
            ),
            (
                old.clone(),
                BOTH,
                group,
                "iptables-legacy -t filter -I FORWARD -i src -o lan -d 239.1.1.1 -j ACCEPT",
            ),
            (
                old,
                NONE,
                What::Igmp,
                "iptables -t filter -I FORWARD -i src -o lan -p igmp -j ACCEPT",
            ),
        ];
        for (chain, programs, what, expected) in cases {
            assert_eq!(pass(&[&chain], passing(what), programs), expected);
        }
    }

    #[test]
    fn every_suspect_needs_a_rule_and_a_foreign_table_can_only_be_shown() {
        let first = nft_chain(Hook::Forward, "ip", "a", "b");
        let name = ChainName::Nft {
            family: "inet",
            table: "firewalld".into(),
            chain: "filter_FORWARD".into(),
            has_owner: true,
        };
        let second = Chain { name, ..first.clone() };
        let both = pass(&[&first, &second], passing(What::AllGroups), NONE);
        let (one, two) = both.split_once(" && ").expect("two commands");
        assert!(one.starts_with("nft 'insert rule ip a b "), "{one}");
        assert_eq!(two, "nft list chain inet firewalld filter_FORWARD");
        assert_eq!(pass(&[], passing(What::AllGroups), NONE), "nft list ruleset");
    }

    #[test]
    fn suspects_are_those_of_the_hooks_the_strictest_first() {
        let rule =
            Chain { suspicion: Suspicion::Rule, ..nft_chain(Hook::Postrouting, "ip", "t", "post") };
        let policy = nft_chain(Hook::Forward, "ip", "t", "fwd");
        let other = nft_chain(Hook::Input, "ip", "t", "in");
        let chains = vec![rule.clone(), other, policy.clone()];
        let firewall = Firewall { chains, is_known: true };
        let suspects = firewall.suspects(&Hook::FORWARDING);
        assert_eq!(suspects, [&policy, &rule]);
        assert_eq!(
            list(&suspects),
            "chain ip t fwd of nftables, policy drop; chain ip t post of nftables, which has a \
             rule that drops packets"
        );
        assert!(firewall.suspects(&Hook::BEFORE_ROUTING).is_empty());
    }

    #[test]
    fn a_drop_is_found_behind_jumps() {
        let rules = |drops, jumps: &[&str]| Rules {
            drops,
            jumps: jumps.iter().map(|name| (*name).to_owned()).collect(),
        };
        let chains: HashMap<String, Rules> = [
            ("FORWARD", rules(false, &["user", "loop"])),
            ("user", rules(false, &["deep"])),
            ("deep", rules(true, &[])),
            ("loop", rules(false, &["loop", "gone"])),
            ("harmless", rules(false, &["loop"])),
        ]
        .map(|(name, rules)| (name.to_owned(), rules))
        .into();
        assert!(may_drop(&chains, "FORWARD") && may_drop(&chains, "deep"));
        assert!(!may_drop(&chains, "harmless") && !may_drop(&chains, "unknown"));
    }
}
