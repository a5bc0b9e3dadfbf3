//! Whom an address stands for where callers are counted.

use std::net::IpAddr;

/// The address; of IPv6 its network, because a household or a server has 2^64 of them.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::from((u128::from(address) >> 64 << 64).to_be_bytes()),
        address => address,
    }
}
