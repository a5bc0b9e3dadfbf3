//! The port: inherited (systemd's way), or bound here.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use anyhow::{Context, bail};
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that the kernel queues during the start; it reduces the number to its own limit.
const BACKLOG: i32 = 4096;

/// Inherited sockets (`LISTEN_FDS`), else one for each address of `listen`.
pub fn bind(listen: &str) -> anyhow::Result<Vec<TcpListener>> {
    let mut handed_over = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..handed_over.len() {
        let listener = handed_over
            .take_tcp_listener(index)
            .context("the socket handed over by LISTEN_FDS is not TCP")?;
        listeners.extend(listener);
    }
    if listeners.is_empty() {
        return bind_here("listen", listen);
    }
    for listener in &listeners {
        listener.set_nonblocking(true).context("the listening socket cannot be used")?;
    }
    Ok(listeners)
}

/// A socket for each address of `text`, the value of `setting`.
pub(super) fn bind_here(setting: &str, text: &str) -> anyhow::Result<Vec<TcpListener>> {
    let addresses = text
        .to_socket_addrs()
        .with_context(|| format!("`{setting}`: {text} names no address of this machine"))?;
    let mut listeners = Vec::new();
    for address in addresses {
        let listener = bind_address(address)
            .with_context(|| format!("`{setting}`: {address} cannot be bound"))?;
        listener.set_nonblocking(true).context("the listening socket cannot be used")?;
        listeners.push(listener);
    }
    if listeners.is_empty() {
        bail!("`{setting}`: {text} names no address");
    }
    Ok(listeners)
}

fn bind_address(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for old connections in the kernel.
    socket.set_reuse_address(true)?;
    if address.ip().is_unspecified() && address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
