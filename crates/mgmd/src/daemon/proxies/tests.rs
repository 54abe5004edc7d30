use super::*;
use std::path::Path;

const TEXT: &str = "[[proxy]]\nupstream = \"ppp*\"\nbackup = [\"lte0\"]\ndownstream = [\"lan*\"]\n\
                    [[proxy]]\nupstream = \"iptv0\"\ndownstream = [\"lan0\"]\ngroups = [\"239.1.0.0/16\"]\n";

fn of(served: &[(u32, &str)]) -> Vec<(Vec<u32>, Vec<u32>)> {
    let config = Config::parse(Path::new("mgmd.toml"), TEXT).unwrap();
    let served = served.iter().map(|(index, name)| (*index, (*name).to_owned())).collect();
    let upstreams = upstreams(&config, &served).into_iter();
    upstreams.map(|upstream| (upstream.links, upstream.downstreams)).collect()
}

#[test]
fn m8_of_the_interfaces_that_a_pattern_means_the_first_by_name_serves() {
    let served = [(7, "ppp1"), (9, "ppp0"), (3, "lte0"), (4, "lan1"), (5, "lan0"), (6, "iptv0")];
    assert_eq!(of(&served), [(vec![9, 7, 3], vec![5, 4]), (vec![6], vec![5])]);
}

#[test]
fn i60_an_upstream_that_does_not_exist_keeps_its_place() {
    assert_eq!(of(&[(6, "iptv0")]), [(vec![NOT_THERE], vec![]), (vec![6], vec![])]);
    let upstreams = of(&[(5, "lan0")]);
    assert_eq!(upstreams, [(vec![NOT_THERE], vec![5]), (vec![NOT_THERE], vec![5])]);
}
