//! What is made up the same way every time: numbers from a seed, and organisation numbers that are right.

use crate::efaktura::checks::org_number;

/// SplitMix64: the same seed gives the same numbers.
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// From a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Organisation numbers with a right control digit, one after the other.
pub fn org_numbers() -> impl Iterator<Item = String> {
    let whole = |core: u32| (0..10).map(|digit| format!("{core}{digit}")).find(|n| org_number(n));
    (98_100_000_u32..98_999_999).filter_map(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_seed() {
        let mut numbers = SplitMix64::new(0);
        // The first of the published reference.
        assert_eq!((numbers.next(), numbers.next()), (0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4));
    }

    #[test]
    fn organisation_numbers_are_right_and_none_comes_twice() {
        let some: Vec<String> = org_numbers().take(100).collect();
        assert!(some.iter().all(|n| org_number(n)) && some.windows(2).all(|w| w[0] < w[1]));
    }
}
