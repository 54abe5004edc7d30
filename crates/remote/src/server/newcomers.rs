//! Connections that have not said yet who they are.

use super::link::{Link, Role};
use std::collections::HashMap;

/// How many there may be.
pub(super) const MOST: usize = 256;

/// The connection that is closed if there are too many: the oldest one of the user that has most of
/// them. So a user that opens connections, and sends nothing, keeps no other user out.
pub(super) fn victim(links: &HashMap<u64, Link>) -> Option<u64> {
    let newcomers = links.iter().filter(|(_, link)| link.role == Role::New && !link.is_closing);
    victim_of(newcomers.map(|(token, link)| (*token, link.user)))
}

/// The tokens grow with each connection.
fn victim_of(newcomers: impl Iterator<Item = (u64, Option<u32>)>) -> Option<u64> {
    let mut users: HashMap<Option<u32>, (usize, u64)> = HashMap::new();
    for (token, user) in newcomers {
        let (count, oldest) = users.entry(user).or_insert((0, token));
        *count += 1;
        *oldest = token.min(*oldest);
    }
    users.into_values().max_by_key(|(count, _)| *count).map(|(_, oldest)| oldest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t9_11_the_oldest_connection_of_the_user_with_most_newcomers_goes() {
        assert_eq!(victim_of([].into_iter()), None);
        let of = |tokens: &[u64], user| tokens.iter().map(move |t| (*t, user)).collect::<Vec<_>>();
        let all = [of(&[1, 2], Some(0)), of(&[7, 5, 9], Some(1000)), of(&[3], None)].concat();
        assert_eq!(victim_of(all.into_iter()), Some(5));
    }
}
