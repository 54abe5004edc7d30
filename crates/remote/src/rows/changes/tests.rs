use super::*;
use crate::rows::put_brief;

fn first() -> MfeRow {
    MfeRow {
        flow: Flow::new([10, 0, 0, 1].into(), [239, 1, 1, 1].into()),
        upstream: [10, 0, 0, 254].into(),
        iif: Interface::link(1),
        iif_protocol: 10,
        route: Route {
            origin: RouteOrigin::Connected,
            network: [10, 0, 0, 0].into(),
            prefix_len: 8,
            protocol: 2,
            ..Route::NONE
        },
        up_ms: 5,
        timeout: 900,
        oifs: vec![without_counters(Interface::link(2))],
        ..MfeRow::default()
    }
}

/// MFEs of which each differs from the one before in one thing, or in all.
fn rows() -> Vec<MfeRow> {
    let next_hop = Interface { index: 2, next_hop: [10, 0, 0, 9].into() };
    let changes: [fn(&mut MfeRow, Interface); 13] = [
        |_, _| (),
        |row, _| row.flow = Flow::new([10, 0, 0, 2].into(), row.flow.group()),
        |row, _| row.flow = Flow::new(row.flow.source(), [239, 1, 1, 2].into()),
        |row, _| row.upstream = Ipv4Addr::UNSPECIFIED,
        |row, next_hop| row.iif = next_hop,
        |row, _| row.iif_protocol = 11,
        |row, _| row.route.prefix_len = 9,
        |row, _| row.route = Route::NONE,
        |row, _| row.up_ms = 1 << 40,
        |row, _| row.timeout = u32::MAX,
        |row, next_hop| row.oifs[0].interface = next_hop,
        |row, next_hop| row.oifs.push(without_counters(next_hop)),
        |row, _| row.oifs.clear(),
    ];
    let mut rows = vec![first()];
    for change in changes {
        let mut row = rows[rows.len() - 1].clone();
        change(&mut row, next_hop);
        rows.push(row);
    }
    rows.push(first());
    rows
}

fn encoded(rows: &[MfeRow]) -> Vec<u8> {
    let (mut former, mut bytes) = (Former::default(), Vec::new());
    rows.iter().for_each(|row| former.put(row, &mut bytes));
    bytes
}

#[test]
fn t9_2_each_mfe_of_a_listing_comes_back_whatever_differs_from_the_one_before() {
    let bytes = encoded(&rows());
    // Whatever the row had in it before.
    let mut row = MfeRow { timeout: 7, oifs: first().oifs, ..MfeRow::default() };
    let mut reader = Reader::new(&bytes);
    for expected in rows() {
        read_changes(&mut row, &mut reader).unwrap();
        assert_eq!(row, expected);
    }
    assert!(reader.is_empty());
    // The counters are left out.
    let mut counted = first();
    (counted.packets, counted.oifs[0].packets) = (5, 5);
    read_changes(&mut row, &mut Reader::new(&encoded(&[counted]))).unwrap();
    assert_eq!(row, first());
}

#[test]
fn t9_2_an_mfe_like_the_one_before_is_short_and_no_message_is_longer_than_without_this() {
    let mut like = first();
    like.flow = Flow::new([10, 0, 0, 2].into(), like.flow.group());
    let (one, two) = (encoded(&[first()]), encoded(&[first(), like]));
    assert_eq!(two.len() - one.len(), 5);
    let mut brief = Vec::new();
    rows().iter().for_each(|row| put_brief(row, &mut brief));
    assert!(encoded(&rows()).len() < brief.len() / 2);
}

#[test]
fn t9_11_a_listing_that_is_cut_or_invalid_is_malformed() {
    let (bytes, mut row) = (encoded(&rows()), MfeRow::default());
    for length in 0..bytes.len() {
        let mut cut = Reader::new(&bytes[..length]);
        assert!(rows().iter().any(|_| read_changes(&mut row, &mut cut).is_err()), "{length}");
    }
    let invalid = |change: fn(&mut Vec<u8>)| {
        let mut bytes = encoded(&[first()]);
        change(&mut bytes);
        read_changes(&mut MfeRow::default(), &mut Reader::new(&bytes))
    };
    assert_eq!(invalid(|_| ()), Ok(()));
    assert_eq!(invalid(|bytes| bytes[0] |= 64), Err(Malformed));
    assert_eq!(invalid(|bytes| bytes[30] = 33), Err(Malformed), "a prefix of 33 bits");
    let count = LONGEST;
    assert_eq!(encoded(&[first()])[count..count + 4], [1, 0, 0, 0]);
    assert_eq!(invalid(|bytes| bytes[LONGEST + 3] = 0xff), Err(Malformed), "too many oifs");
}
