//! Limits how often one address may do something costly: a fixed window per address, in bounded memory.
//!
//! Known keys are never limited: the original's clients do not retry a refused post.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::network::network_of;

/// Counts per address and window.
pub struct RateLimit {
    most: u64,
    window_us: i64,
    remembered: usize,
    windows: Mutex<HashMap<IpAddr, Window>>,
}

#[derive(Clone, Copy)]
struct Window {
    started_us: i64,
    count: u64,
}

impl RateLimit {
    /// `most` per `window_s` seconds; remembers at most `remembered` addresses.
    pub fn new(most: u64, window_s: i64, remembered: u64) -> RateLimit {
        RateLimit {
            most,
            window_us: window_s * 1_000_000,
            remembered: remembered as usize,
            windows: Mutex::new(HashMap::new()),
        }
    }

    /// Counts one; `Err` with the seconds until the next allowed try if that is one too many.
    pub fn take(&self, address: IpAddr, now_us: i64) -> Result<(), u32> {
        let address = network_of(address);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= self.remembered && !windows.contains_key(&address) {
            windows.retain(|_, window| now_us - window.started_us < self.window_us);
            // All are fresh: a caller with that many addresses is not stopped by a limit per address.
            if windows.len() >= self.remembered {
                windows.clear();
            }
        }
        let window = windows.entry(address).or_insert(Window { started_us: now_us, count: 0 });
        if !(0..self.window_us).contains(&(now_us - window.started_us)) {
            *window = Window { started_us: now_us, count: 0 };
        }
        if window.count >= self.most {
            let left_us = self.window_us - (now_us - window.started_us);
            return Err((left_us.max(1) as u64).div_ceil(1_000_000) as u32);
        }
        window.count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_limited_for_a_window_and_others_are_not() {
        let limit = RateLimit::new(2, 60, 10);
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(limit.take(one, 0), Ok(()));
        assert_eq!(limit.take(one, 1), Ok(()));
        assert_eq!(limit.take(one, 30_000_000), Err(30));
        assert_eq!(limit.take("192.0.2.2".parse().unwrap(), 30_000_000), Ok(()));
        assert_eq!(limit.take(one, 60_000_000), Ok(()));
    }

    #[test]
    fn neighbours_in_a_64_are_one_and_mapped_addresses_are_unwrapped() {
        let limit = RateLimit::new(1, 60, 10);
        assert_eq!(limit.take("2001:db8::1".parse().unwrap(), 0), Ok(()));
        assert!(limit.take("2001:db8::2".parse().unwrap(), 0).is_err());
        assert_eq!(limit.take("2001:db8:0:1::2".parse().unwrap(), 0), Ok(()));
        assert_eq!(limit.take("192.0.2.1".parse().unwrap(), 0), Ok(()));
        assert!(limit.take("::ffff:192.0.2.1".parse().unwrap(), 0).is_err());
    }

    #[test]
    fn memory_is_bounded() {
        let limit = RateLimit::new(1, 60, 100);
        for number in 0..10_000u32 {
            let _ = limit.take(IpAddr::from(number.to_be_bytes()), 0);
        }
        assert!(limit.windows.lock().unwrap().len() <= 100);
    }
}
