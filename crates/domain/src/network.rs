//! Network addresses: ranges of them, and the network an address stands for when attempts are counted.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Bits of an IPv6 network one subscriber is given: who has one address of it has them all.
const SUBSCRIBER_BITS: u8 = 64;

/// An address, or all addresses that begin with the same bits, such as `192.0.2.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Range {
    base: IpAddr,
    bits: u8,
}

/// Why a text is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRange {
    /// No address stands before the slash.
    #[error("{0:?} is no address; give one such as 192.0.2.7 or 2001:db8::7, or a range such as 192.0.2.0/24")]
    Address(String),
    /// What stands after the slash is not a count of bits.
    #[error("a range ends with 0 to {most} bits, such as /{most}; {given:?} does not")]
    Bits {
        /// What was given.
        given: String,
        /// How many there may be.
        most: u8,
    },
    /// Bits are set that the range does not look at: another range may be meant.
    #[error("the range begins at {begins}; write {begins}, or the single address without a slash")]
    Inside {
        /// The range the address lies in.
        begins: Range,
    },
}

/// An IPv4 address that travels as IPv6 is the IPv4 address.
pub fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

const fn most_bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn cut(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(a) => {
            let mask = u32::MAX.checked_shl(u32::from(32 - bits)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(a.to_bits() & mask))
        }
        IpAddr::V6(a) => {
            let mask = u128::MAX.checked_shl(u32::from(128 - bits)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(a.to_bits() & mask))
        }
    }
}

impl Range {
    /// A single address.
    pub fn of(address: IpAddr) -> Self {
        let base = plain(address);
        Self { base, bits: most_bits(base) }
    }

    /// What attempts from an address are counted by: the IPv4 address, or the IPv6 network of 64 bits it is of.
    pub fn subscriber(address: IpAddr) -> Self {
        let base = plain(address);
        let bits = if base.is_ipv4() { 32 } else { SUBSCRIBER_BITS };
        Self { base: cut(base, bits), bits }
    }

    /// Every range an address lies in, from all there is to the address alone.
    pub fn around(address: IpAddr) -> impl Iterator<Item = Self> {
        let base = plain(address);
        (0..=most_bits(base)).map(move |bits| Self { base: cut(base, bits), bits })
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = plain(address);
        address.is_ipv4() == self.base.is_ipv4() && cut(address, self.bits) == self.base
    }

    /// Whether it holds more addresses than a large network has: blocking it would shut out half a country.
    pub const fn is_vast(&self) -> bool {
        self.bits < if self.base.is_ipv4() { 8 } else { 16 }
    }
}

impl FromStr for Range {
    type Err = BadRange;

    fn from_str(text: &str) -> Result<Self, BadRange> {
        let text = text.trim();
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let base: IpAddr = address.parse().map_err(|_| BadRange::Address(text.to_owned()))?;
        let Some(given) = bits else { return Ok(Self::of(base)) };
        let most = most_bits(base);
        let bits = given.parse().ok().filter(|b| *b <= most && given.bytes().all(|c| c.is_ascii_digit()));
        let bits = bits.ok_or_else(|| BadRange::Bits { given: given.to_owned(), most })?;
        let begins = Self { base: cut(base, bits), bits };
        if begins.base == base { Ok(begins) } else { Err(BadRange::Inside { begins }) }
    }
}

impl TryFrom<String> for Range {
    type Error = BadRange;

    fn try_from(text: String) -> Result<Self, BadRange> {
        text.parse()
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bits == most_bits(self.base) { self.base.fmt(f) } else { write!(f, "{}/{}", self.base, self.bits) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Range {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_holds_what_begins_with_its_bits_and_nothing_else() {
        for (of, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("2001:db8::7", "2001:db8::7", "2001:db8::8"),
            ("::/0", "2001:db8::1", "192.0.2.7"),
        ] {
            assert!(range(of).contains(ip(inside)), "{of} {inside}");
            assert!(!range(of).contains(ip(outside)), "{of} {outside}");
        }
        assert!(range("192.0.2.7").contains(ip("::ffff:192.0.2.7")), "the same address, written as IPv6");
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["192.0.2.7", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "2001:db8::7", "::/0"] {
            assert_eq!(range(text).to_string(), text);
        }
        assert_eq!(range("192.0.2.7/32").to_string(), "192.0.2.7");
        assert_eq!(range("2001:DB8:0::7").to_string(), "2001:db8::7");
    }

    #[test]
    fn what_is_no_range_says_so() {
        for bad in ["", "nowhere", "192.0.2", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/+8", "::/129"] {
            assert!(bad.parse::<Range>().is_err(), "{bad}");
        }
        assert_eq!("192.0.2.7/24".parse::<Range>().unwrap_err(), BadRange::Inside { begins: range("192.0.2.0/24") });
    }

    #[test]
    fn an_address_lies_in_every_range_around_it() {
        for (address, count) in [("192.0.2.7", 33), ("2001:db8::7", 129)] {
            let around: Vec<Range> = Range::around(ip(address)).collect();
            assert_eq!(around.len(), count);
            assert!(around.iter().all(|r| r.contains(ip(address))), "{address}");
            assert_eq!(around.last().unwrap().to_string(), address);
        }
        assert!(range("0.0.0.0/7").is_vast() && range("::/15").is_vast() && !range("10.0.0.0/8").is_vast());
    }

    #[test]
    fn a_subscriber_has_one_ipv4_address_or_64_bits_of_ipv6() {
        assert_eq!(Range::subscriber(ip("192.0.2.7")).to_string(), "192.0.2.7");
        assert_eq!(Range::subscriber(ip("::ffff:192.0.2.7")).to_string(), "192.0.2.7");
        assert_eq!(Range::subscriber(ip("2001:db8:1:2:3:4:5:6")).to_string(), "2001:db8:1:2::/64");
    }
}
