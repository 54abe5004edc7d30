use super::*;

const SENDER: [u8; 4] = [10, 1, 0, 2];
const OWN: [u8; 4] = [10, 1, 0, 1];
const SOURCE: [u8; 4] = [10, 100, 0, 2];
const GROUP: [u8; 4] = [239, 1, 2, 3];

/// An IPv4 packet with a valid header.
fn packet(protocol: u8, from: [u8; 4], to: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![0; IPV4];
    octets[0] = 0x45;
    octets[2..4].copy_from_slice(&((IPV4 + payload.len()) as u16).to_be_bytes());
    (octets[8], octets[9]) = (64, protocol);
    octets[12..16].copy_from_slice(&from);
    octets[16..20].copy_from_slice(&to);
    let sum = checksum(&octets);
    octets[10..12].copy_from_slice(&sum.to_be_bytes());
    octets.extend_from_slice(payload);
    octets
}

/// The message of a register. `covered`: how many of its octets the checksum covers.
fn message(flags: u8, inner: &[u8], covered: usize) -> Vec<u8> {
    let mut octets = vec![REGISTER, 0, 0, 0, flags, 0, 0, 0];
    octets.extend_from_slice(inner);
    let sum = checksum(&octets[..covered.min(octets.len())]);
    octets[2..4].copy_from_slice(&sum.to_be_bytes());
    octets
}

fn inner() -> Vec<u8> {
    packet(17, SOURCE, GROUP, b"eleven octe")
}

fn content(octets: &[u8]) -> Result<Content<'_>, Invalid> {
    Register::read(octets)?.content()
}

fn of(message: &[u8]) -> Vec<u8> {
    packet(103, SENDER, OWN, message)
}

#[test]
fn m54_a_register_has_a_packet_whatever_its_checksum_covers() {
    let inner = inner();
    for covered in [HEADER, usize::MAX] {
        for padding in [0, 5] {
            let padded = [&inner[..], &vec![7; padding]].concat();
            let whole = of(&message(0, &padded, covered));
            let register = Register::read(&whole).unwrap();
            assert_eq!(register.sender, Ipv4Addr::from(SENDER));
            let wanted = Content::Packet { octets: &inner, group: GROUP.into() };
            assert_eq!(register.content(), Ok(wanted), "{covered} octets, {padding} of padding");
        }
    }
    // The border bit does not matter.
    assert!(matches!(content(&of(&message(0x80, &inner, HEADER))), Ok(Content::Packet { .. })));
}

#[test]
fn m54_a_null_register_has_none() {
    let null = [&[0x45, 0, 0, 20][..], &[0; 16]].concat();
    for inner in [&null[..], &[]] {
        assert_eq!(content(&of(&message(NULL, inner, HEADER))), Ok(Content::Null));
    }
    let mut wrong = of(&message(NULL, &null, HEADER));
    wrong[22] ^= 1;
    assert_eq!(content(&wrong), Err(Invalid::Checksum));
}

#[test]
fn m54_each_invalid_register_is_dropped_for_its_reason() {
    let good = message(0, &inner(), HEADER);
    for cut in 0..IPV4 + HEADER {
        assert_eq!(content(&of(&good)[..cut]), Err(Invalid::Malformed), "{cut} octets");
    }
    for cut in HEADER..good.len() {
        assert_eq!(content(&of(&good[..cut])), Err(Invalid::Packet), "{cut} octets of the message");
    }
    for other in [0x20, 0x22, 0x11] {
        let other = [&[other], &good[1..]].concat();
        assert_eq!(content(&of(&other)), Err(Invalid::Malformed));
    }
    for to in [[224, 0, 0, 13], [255; 4]] {
        assert_eq!(content(&packet(103, SENDER, to, &good)), Err(Invalid::Malformed), "{to:?}");
    }
    for from in [[0; 4], [127, 0, 0, 1], GROUP, [255; 4], [240, 0, 0, 1]] {
        assert_eq!(content(&packet(103, from, OWN, &good)), Err(Invalid::Sender), "{from:?}");
        let inner = packet(17, from, GROUP, b"");
        assert_eq!(content(&of(&message(0, &inner, HEADER))), Err(Invalid::Source), "{from:?}");
    }
    for to in [[10, 2, 0, 2], [224, 0, 0, 5], [255; 4], [240, 0, 0, 1]] {
        let inner = packet(17, SOURCE, to, b"");
        assert_eq!(content(&of(&message(0, &inner, HEADER))), Err(Invalid::Group), "{to:?}");
    }
}

#[test]
fn m54_what_a_register_contains_is_checked() {
    for (at, value) in [(0, 0x65), (0, 0x44), (0, 0x4f), (3, 19), (3, 32), (8, 9), (12, 11)] {
        let mut inner = inner();
        inner[at] = value;
        assert_eq!(content(&of(&message(0, &inner, HEADER))), Err(Invalid::Packet), "octet {at}");
    }
    let mut wrong = of(&message(0, &inner(), usize::MAX));
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(content(&wrong), Err(Invalid::Checksum));
}

#[test]
fn m54_no_octets_do_harm() {
    let mut state = 7u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let whole = of(&message(0, &inner(), HEADER));
    for _ in 0..100_000 {
        let mut octets = whole.clone();
        for _ in 0..random() % 4 {
            let at = random() as usize % octets.len();
            octets[at] = random() as u8;
        }
        octets.truncate(random() as usize % (octets.len() + 1));
        if let Ok(Content::Packet { octets, group }) = content(&octets) {
            assert!(group.is_multicast() && octets.len() >= IPV4);
        }
    }
}
