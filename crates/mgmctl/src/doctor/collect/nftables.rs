//! The chains of nftables, by netlink, so that no program is needed.

use super::super::firewall::{may_drop, Chain, ChainName, Firewall, Hook, Rules, Suspicion};
use super::super::report::Report;
use super::kernel::text;
use super::{is_forbidden, AS_ROOT};
use mgm_net::netlink::wire::{attribute, attributes, Message};
use mgm_net::netlink::Dumper;
use std::collections::{HashMap, HashSet};
use std::io;

/// From <linux/netfilter/nfnetlink.h> and <linux/netfilter/nf_tables.h>.
const NFTABLES: u16 = 10 << 8;
const GET_TABLE: u16 = NFTABLES | 1;
const GET_CHAIN: u16 = NFTABLES | 4;
const GET_RULE: u16 = NFTABLES | 7;
/// The length of `struct nfgenmsg`, which begins with the family.
const HEAD: usize = 4;
const INET: u8 = 1;
const IPV4: u8 = 2;
const NETDEV: u8 = 5;

const TABLE_NAME: u16 = 1;
const TABLE_FLAGS: u16 = 2;
const DORMANT: u32 = 1;
const HAS_OWNER: u32 = 2;
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const CHAIN_POLICY: u16 = 5;
const HOOK_NUMBER: u16 = 1;
const RULE_TABLE: u16 = 1;
const RULE_CHAIN: u16 = 2;
const RULE_EXPRESSIONS: u16 = 4;
const EXPRESSION_NAME: u16 = 1;
const EXPRESSION_DATA: u16 = 2;
const IMMEDIATE_DATA: u16 = 2;
const DATA_VERDICT: u16 = 2;
const VERDICT_CODE: u16 = 1;
const VERDICT_CHAIN: u16 = 2;
const LOOKUP_DREG: u16 = 3;
const TARGET_NAME: u16 = 1;

/// The verdicts NF_DROP and NF_QUEUE, and the register of verdicts.
const DROP: u32 = 0;
const QUEUE: u32 = 3;
const VERDICT_REGISTER: u32 = 0;

/// The chains that may drop packets.
pub fn read(report: &mut Report) -> Firewall {
    match Dumper::open_netfilter().and_then(|mut dumper| read_all(&mut dumper)) {
        Ok(ruleset) => Firewall { chains: ruleset.suspects(), is_known: true },
        Err(error) if is_forbidden(&error) => {
            report.gap("the packet filter", "CAP_NET_ADMIN is needed", Some(AS_ROOT));
            Firewall::default()
        }
        // The kernel has no nftables.
        Err(error) if is_missing(&error) => Firewall { chains: Vec::new(), is_known: true },
        Err(error) => {
            report.gap("the packet filter (nftables)", error.to_string(), None);
            Firewall::default()
        }
    }
}

fn is_missing(error: &io::Error) -> bool {
    // EINVAL, EOPNOTSUPP, and EPROTONOSUPPORT of the socket.
    matches!(error.raw_os_error(), Some(22 | 95 | 93))
}

/// A table or chain has the number of its family, and the name of its table.
type InTable = (u8, String);

/// All tables, chains and rules, as far as they matter.
#[derive(Default)]
struct Ruleset {
    dormant: HashSet<InTable>,
    owned: HashSet<InTable>,
    base_chains: Vec<BaseChain>,
    chains: HashMap<InTable, HashMap<String, Rules>>,
}

struct BaseChain {
    table: InTable,
    name: String,
    hook: Hook,
    drops_by_policy: bool,
}

fn read_all(dumper: &mut Dumper) -> io::Result<Ruleset> {
    dumper.repeatedly(|dumper| {
        let mut ruleset = Ruleset::default();
        let mut intact = dumper.dump(GET_TABLE, &[0; HEAD], &[], |m| ruleset.table(m))?;
        intact &= dumper.dump(GET_CHAIN, &[0; HEAD], &[], |m| ruleset.chain(m))?;
        intact &= dumper.dump(GET_RULE, &[0; HEAD], &[], |m| ruleset.rule(m))?;
        Ok((ruleset, intact))
    })
}

/// A number of nftables, in network byte order.
fn number(value: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(value.get(..4)?.try_into().ok()?))
}

impl Ruleset {
    fn table(&mut self, message: &Message<'_>) {
        let Some((head, rest)) = message.split(HEAD) else { return };
        let flags = attribute(rest, TABLE_FLAGS).and_then(number).unwrap_or_default();
        let Some(name) = attribute(rest, TABLE_NAME).map(text) else { return };
        if flags & DORMANT != 0 {
            self.dormant.insert((head[0], name.clone()));
        }
        if flags & HAS_OWNER != 0 {
            self.owned.insert((head[0], name));
        }
    }

    fn chain(&mut self, message: &Message<'_>) {
        let Some((head, rest)) = message.split(HEAD) else { return };
        let value = |kind| attribute(rest, kind);
        let (Some(table), Some(name)) = (value(CHAIN_TABLE).map(text), value(CHAIN_NAME).map(text))
        else {
            return;
        };
        let hook = value(CHAIN_HOOK).and_then(|hook| attribute(hook, HOOK_NUMBER));
        let hook = hook.and_then(number).and_then(|number| hook_of(head[0], number));
        let policy = value(CHAIN_POLICY).and_then(number);
        self.base_chains.extend(hook.map(|hook| BaseChain {
            table: (head[0], table),
            name,
            hook,
            drops_by_policy: policy == Some(DROP),
        }));
    }

    fn rule(&mut self, message: &Message<'_>) {
        let Some((head, rest)) = message.split(HEAD) else { return };
        let value = |kind| attribute(rest, kind);
        let (Some(table), Some(chain)) = (value(RULE_TABLE).map(text), value(RULE_CHAIN).map(text))
        else {
            return;
        };
        let table = self.chains.entry((head[0], table)).or_default();
        let rules = table.entry(chain).or_default();
        for (_, expression) in attributes(value(RULE_EXPRESSIONS).unwrap_or_default()) {
            add_expression(expression, rules);
        }
    }

    fn suspects(&self) -> Vec<Chain> {
        let active = self.base_chains.iter().filter(|chain| !self.dormant.contains(&chain.table));
        active
            .filter_map(|base| {
                let none = HashMap::new();
                let chains = self.chains.get(&base.table).unwrap_or(&none);
                let suspicion = match (base.drops_by_policy, may_drop(chains, &base.name)) {
                    (true, _) => Suspicion::Policy,
                    (false, true) => Suspicion::Rule,
                    (false, false) => return None,
                };
                let name = ChainName::Nft {
                    family: family(base.table.0)?,
                    table: base.table.1.clone(),
                    chain: base.name.clone(),
                    has_owner: self.owned.contains(&base.table),
                };
                Some(Chain { hook: base.hook, name, suspicion })
            })
            .collect()
    }
}

fn family(number: u8) -> Option<&'static str> {
    match number {
        INET => Some("inet"),
        IPV4 => Some("ip"),
        NETDEV => Some("netdev"),
        _ => None,
    }
}

/// `None` for the hooks of other protocols than IPv4.
fn hook_of(family: u8, number: u32) -> Option<Hook> {
    Some(match (family, number) {
        (NETDEV, 0) | (INET, 5) => Hook::Ingress,
        (NETDEV, 1) => Hook::Egress,
        (INET | IPV4, 0) => Hook::Prerouting,
        (INET | IPV4, 1) => Hook::Input,
        (INET | IPV4, 2) => Hook::Forward,
        (INET | IPV4, 3) => Hook::Output,
        (INET | IPV4, 4) => Hook::Postrouting,
        _ => return None,
    })
}

/// Notes whether an expression of a rule drops packets, or jumps to another chain.
fn add_expression(expression: &[u8], rules: &mut Rules) {
    let Some(name) = attribute(expression, EXPRESSION_NAME).map(text) else { return };
    let data = attribute(expression, EXPRESSION_DATA).unwrap_or_default();
    match name.as_str() {
        "immediate" => {
            let data = attribute(data, IMMEDIATE_DATA).unwrap_or_default();
            let Some(verdict) = attribute(data, DATA_VERDICT) else { return };
            // The upper half of NF_QUEUE is the number of the queue.
            let code = attribute(verdict, VERDICT_CODE).and_then(number);
            rules.drops |= code.is_some_and(|code| code == DROP || code & 0xffff == QUEUE);
            rules.jumps.extend(attribute(verdict, VERDICT_CHAIN).map(text));
        }
        "reject" | "queue" | "synproxy" | "fwd" => rules.drops = true,
        // A map of verdicts: its elements are not read.
        "lookup" => {
            let register = attribute(data, LOOKUP_DREG).and_then(number);
            rules.drops |= register == Some(VERDICT_REGISTER);
        }
        // A target of iptables.
        "target" => {
            let target = attribute(data, TARGET_NAME).map(text).unwrap_or_default();
            rules.drops |= ["DROP", "REJECT", "NFQUEUE", "QUEUE"].contains(&target.as_str());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mgm_net::netlink::wire::{attr, message, messages};

    fn give(
        ruleset: &mut Ruleset,
        family: u8,
        parts: &[Vec<u8>],
        to: fn(&mut Ruleset, &Message<'_>),
    ) {
        let bytes = message(0, 0, 1, &[&[family, 0, 0, 0], &parts.concat()]);
        for message in messages(&bytes) {
            to(ruleset, &message);
        }
    }

    fn chain(ruleset: &mut Ruleset, family: u8, name: &[u8], hook: u32, policy: u32) {
        let hook = attr(HOOK_NUMBER, &hook.to_be_bytes());
        let parts = [
            attr(CHAIN_TABLE, b"t\0"),
            attr(CHAIN_NAME, name),
            attr(CHAIN_HOOK, &hook),
            attr(CHAIN_POLICY, &policy.to_be_bytes()),
        ];
        give(ruleset, family, &parts, Ruleset::chain);
    }

    fn expression(name: &[u8], data: &[u8]) -> Vec<u8> {
        attr(1, &[attr(EXPRESSION_NAME, name), attr(EXPRESSION_DATA, data)].concat())
    }

    fn verdict(code: u32, to: Option<&[u8]>) -> Vec<u8> {
        let mut parts = attr(VERDICT_CODE, &code.to_be_bytes());
        parts.extend(to.map(|to| attr(VERDICT_CHAIN, to)).unwrap_or_default());
        expression(b"immediate\0", &attr(IMMEDIATE_DATA, &attr(DATA_VERDICT, &parts)))
    }

    fn rule(ruleset: &mut Ruleset, chain: &[u8], expressions: &[Vec<u8>]) {
        let parts = [
            attr(RULE_TABLE, b"t\0"),
            attr(RULE_CHAIN, chain),
            attr(RULE_EXPRESSIONS, &expressions.concat()),
        ];
        give(ruleset, IPV4, &parts, Ruleset::rule);
    }

    fn found(ruleset: &Ruleset) -> Vec<(Hook, Suspicion)> {
        ruleset.suspects().iter().map(|chain| (chain.hook, chain.suspicion)).collect()
    }

    #[test]
    fn policies_and_rules_make_a_chain_suspect() {
        let accept = verdict(1, None);
        let mut ruleset = Ruleset::default();
        chain(&mut ruleset, IPV4, b"in\0", 1, 0);
        chain(&mut ruleset, IPV4, b"fwd\0", 2, 1);
        chain(&mut ruleset, IPV4, b"out\0", 3, 1);
        chain(&mut ruleset, 10, b"six\0", 2, 0); // IPv6
        rule(
            &mut ruleset,
            b"fwd\0",
            &[expression(b"counter\0", &[]), verdict(u32::MAX - 2, Some(b"user\0"))],
        );
        rule(&mut ruleset, b"user\0", &[verdict(DROP, None)]);
        rule(&mut ruleset, b"out\0", &[accept]);
        assert_eq!(
            found(&ruleset),
            [(Hook::Input, Suspicion::Policy), (Hook::Forward, Suspicion::Rule)]
        );
        let name = ChainName::Nft {
            family: "ip",
            table: "t".into(),
            chain: "fwd".into(),
            has_owner: false,
        };
        assert_eq!(ruleset.suspects()[1].name, name);
    }

    #[test]
    fn every_way_of_dropping_counts() {
        let lookup =
            |register: u32| expression(b"lookup\0", &attr(LOOKUP_DREG, &register.to_be_bytes()));
        let target = |name: &[u8]| expression(b"target\0", &attr(TARGET_NAME, name));
        let cases = [
            (verdict(DROP, None), true),
            (verdict(2 << 16 | QUEUE, None), true),
            (expression(b"reject\0", &[]), true),
            (lookup(0), true),
            (lookup(8), false),
            (target(b"REJECT\0"), true),
            (target(b"MARK\0"), false),
            (verdict(1, None), false),
            (expression(b"immediate\0", &[1, 2, 3]), false),
        ];
        for (number, (expression, drops)) in cases.into_iter().enumerate() {
            let mut rules = Rules::default();
            // Without the header of the attribute.
            add_expression(&expression[4..], &mut rules);
            assert_eq!(rules.drops, drops, "case {number}");
        }
    }

    #[test]
    fn a_dormant_table_does_nothing_and_an_owner_is_noted() {
        let table =
            |flags: u32| [attr(TABLE_NAME, b"t\0"), attr(TABLE_FLAGS, &flags.to_be_bytes())];
        let mut ruleset = Ruleset::default();
        chain(&mut ruleset, INET, b"c\0", 2, 0);
        give(&mut ruleset, INET, &table(HAS_OWNER), Ruleset::table);
        let ChainName::Nft { family, has_owner, .. } = &ruleset.suspects()[0].name else {
            panic!("a chain of nftables");
        };
        assert!(*family == "inet" && *has_owner);
        give(&mut ruleset, INET, &table(DORMANT), Ruleset::table);
        assert!(ruleset.suspects().is_empty());
    }

    #[test]
    fn the_hooks_of_a_device_are_its_own() {
        let hooks = [(NETDEV, 0), (NETDEV, 1), (INET, 5), (IPV4, 4), (IPV4, 5), (7, 2)];
        let expected = [
            Some(Hook::Ingress),
            Some(Hook::Egress),
            Some(Hook::Ingress),
            Some(Hook::Postrouting),
            None,
            None,
        ];
        assert_eq!(hooks.map(|(family, number)| hook_of(family, number)), expected);
    }
}
