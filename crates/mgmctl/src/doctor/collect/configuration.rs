//! The configuration of mgmd, which is read only while mgmd does not answer.

use mgm_control::DEFAULT_SOCKET;
use mgm_net::mroute::DEFAULT_TABLE;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// The configuration of the service.
const FILE: &str = "/etc/mgmd/mgmd.toml";

/// The multicast routing table of the kernel that mgmd with this control socket would use; `None`
/// if it would use none, because its forwarder is not the kernel. If the configuration is not
/// known, the default table.
pub fn table(socket: &Path) -> Option<u32> {
    match std::fs::read_to_string(FILE) {
        Ok(text) => table_in(&text, socket),
        Err(_) => Some(DEFAULT_TABLE),
    }
}

fn table_in(text: &str, socket: &Path) -> Option<u32> {
    let Ok(document) = DeTable::parse(text) else { return Some(DEFAULT_TABLE) };
    let router = document.get_ref().get("router").and_then(|value| value.get_ref().as_table());
    let value = |key| router.and_then(|keys| keys.get(key)).map(|value| value.get_ref());
    let word = |key| value(key).and_then(DeValue::as_str);
    if Path::new(word("control").unwrap_or(DEFAULT_SOCKET)) != socket {
        return Some(DEFAULT_TABLE); // the user has named the socket of another mgmd
    }
    if matches!(word("forwarder"), Some("ebpf" | "memory")) {
        return None;
    }
    let number = value("table").and_then(DeValue::as_integer);
    let number = number.and_then(|text| u32::from_str_radix(text.as_str(), text.radix()).ok());
    Some(number.filter(|table| *table != 0).unwrap_or(DEFAULT_TABLE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_that_of_the_configuration() {
        let table = |text| table_in(text, Path::new(DEFAULT_SOCKET));
        for text in
            ["", "[router]\nforwarder = \"auto\"\ntable = 0\n", "router = \n", "router = 1\n"]
        {
            assert_eq!(table(text), Some(DEFAULT_TABLE), "{text}");
        }
        for text in
            ["[router]\ntable = 1_000", "router = { table = 0x3e8, forwarder = \"kernel\" }"]
        {
            assert_eq!(table(text), Some(1000), "{text}");
        }
        for text in ["[router]\n# Fast.\nforwarder = 'ebpf'\n", "router.forwarder = \"memory\"\n"] {
            assert_eq!(table(text), None, "{text}");
        }
    }

    #[test]
    fn the_configuration_of_another_socket_says_nothing() {
        let text = "[router]\nforwarder = \"ebpf\"\ncontrol = \"/run/other\"\n";
        assert_eq!(table_in(text, Path::new("/run/other")), None);
        assert_eq!(table_in(text, Path::new(DEFAULT_SOCKET)), Some(DEFAULT_TABLE));
    }
}
