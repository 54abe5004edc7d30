//! Any octets: nothing panics, and what is accepted is usable.

use super::parse;
use crate::config::Config;
use fastrand::Rng;
use std::path::Path;

const EXAMPLES: [&str; 3] = [
    include_str!("../../../examples/iptv.toml"),
    include_str!("../../../examples/campus.toml"),
    include_str!("../../../examples/static.toml"),
];

/// What is put into an example.
const PIECES: [&str; 16] = [
    "[[interface]]\n",
    "igmp = {",
    "}",
    "\"",
    "'''",
    "= ",
    "\n",
    "[router]\n",
    "-1",
    "\"ff02::1/8\"",
    "name = \"eth0\"\n",
    "table.a.b = 1\n",
    "[[[",
    "é",
    "\u{0}",
    "1979-05-27T07:32:00Z",
];

/// Changes a few places of a text.
fn mutate(rng: &mut Rng, text: &str) -> Vec<u8> {
    let mut text = text.as_bytes().to_vec();
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(0..=text.len());
        let end = rng.usize(at..=(at + 12).min(text.len()));
        let piece = match rng.u8(0..3) {
            0 => PIECES[rng.usize(0..PIECES.len())].as_bytes().to_vec(),
            1 => vec![rng.u8(..)],
            _ => Vec::new(),
        };
        text.splice(at..end, piece);
    }
    text
}

/// Reads it, and uses what it says.
fn take(octets: &[u8]) -> bool {
    let text = String::from_utf8_lossy(octets);
    match Config::parse(Path::new("a.toml"), &text) {
        Ok(config) => {
            for name in ["eth0.4", "br0", "wlan1", "core0", "vlan7", "air0"] {
                if let Some(igmp) = config.link(name).and_then(|link| link.igmp) {
                    igmp.check(mgm_types::Interface::link(1)).unwrap();
                }
            }
            assert_eq!(Config::difference(&config, &config), Ok(<_>::default()));
            true
        }
        Err(problems) => {
            assert!((1..=101).contains(&problems.len()));
            assert!(problems.iter().all(|problem| !problem.to_string().contains('\n')));
            false
        }
    }
}

#[test]
fn mutated_examples_never_panic() {
    let mut rng = Rng::with_seed(5);
    let mut accepted = 0;
    for round in 0..6_000 {
        accepted += usize::from(take(&mutate(&mut rng, EXAMPLES[round % EXAMPLES.len()])));
    }
    // Some changes are in comments or in names, so both results are tested.
    assert!((50..5_000).contains(&accepted), "{accepted}");
}

#[test]
fn random_octets_never_panic() {
    let mut rng = Rng::with_seed(6);
    for _ in 0..2_000 {
        let octets: Vec<u8> = (0..rng.usize(0..200)).map(|_| rng.u8(..)).collect();
        take(&octets);
    }
}

#[test]
fn each_beginning_of_an_example_never_panics() {
    for text in EXAMPLES {
        for end in 0..text.len() {
            let _ = parse(&text[..end]);
        }
    }
}
