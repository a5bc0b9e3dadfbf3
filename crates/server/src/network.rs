//! The part of an address by which callers are counted.

use std::net::IpAddr;

/// The address, or its network for IPv6, because a household or a server has 2^64 of those.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::from((u128::from(address) >> 64 << 64).to_be_bytes()),
        address => address,
    }
}
