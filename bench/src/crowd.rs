//! Many connections that each post, wait for the answer and post again, served by one thread: a thread for each would
//! spend as much on being woken as on posting, on the processors of the measured server.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::event::epoll;

use crate::client::parse_head;
use crate::data::Post;

/// Larger posts and answers might not fit into a socket's buffer at once, on which this client relies.
pub const BYTES_MOST: usize = 16 << 10;

/// Posts of the connections.
pub struct Stock<'a> {
    /// Posted repeatedly, each time as another batch.
    pub posts: Vec<Post>,
    pub keys: &'a [String],
    pub next_id: &'a AtomicU64,
}

/// Posts over this many connections until the time is over; returns how many were accepted.
pub fn post(address: &str, connections: usize, mut stock: Stock<'_>, time: Duration) -> u64 {
    let ready = epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll");
    let mut members: Vec<TcpStream> = (0..connections)
        .map(|number| {
            let stream = TcpStream::connect(address).expect("a connection");
            stream.set_nodelay(true).expect("a socket's option");
            stream.set_nonblocking(true).expect("a socket's option");
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&ready, stream.as_fd(), data, epoll::EventFlags::IN).expect("epoll");
            stream
        })
        .collect();
    let started = Instant::now();
    for member in &mut members {
        stock.post(member);
    }
    let (mut kept, mut under_way) = (0, connections);
    let mut events = Vec::with_capacity(connections);
    let mut answer = vec![0; BYTES_MOST];
    while under_way > 0 {
        events.clear();
        let patience = rustix::event::Timespec { tv_sec: 60, tv_nsec: 0 };
        match epoll::wait(&ready, rustix::buffer::spare_capacity(&mut events), Some(&patience)) {
            Err(rustix::io::Errno::INTR) => continue,
            found => assert!(found.expect("epoll") > 0, "the server answers"),
        }
        for event in &events {
            let member = &mut members[{ event.data }.u64() as usize];
            match read_status(member, &mut answer) {
                Some(200) => kept += 1,
                Some(503) => std::thread::sleep(Duration::from_millis(5)),
                Some(status) => panic!("{status}: {}", String::from_utf8_lossy(&answer)),
                None => continue,
            }
            if started.elapsed() < time {
                stock.post(member);
            } else {
                under_way -= 1;
            }
        }
    }
    kept
}

impl Stock<'_> {
    fn post(&mut self, member: &mut TcpStream) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let count = self.posts.len() as u64;
        let post = &mut self.posts[(id % count) as usize];
        assert!(post.bytes.len() <= BYTES_MOST, "a small post");
        post.set_id(id);
        post.set_key(&self.keys[id as usize % self.keys.len()]);
        member.write_all(&post.bytes).expect("an empty socket takes a small post");
    }
}

/// None if there is no data after all. An answer of a few hundred bytes is one segment, so it arrives whole.
fn read_status(member: &mut TcpStream, answer: &mut [u8]) -> Option<u16> {
    let read = match member.read(answer) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
        read => read.expect("an answer"),
    };
    let answer = &answer[..read];
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
    let head = parse_head(&answer[..end]).expect("an answer");
    assert_eq!(answer.len() - end - 4, head.length, "the answer came whole");
    Some(head.status)
}
