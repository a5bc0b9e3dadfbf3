//! The measured data: an API of 50 routes, two thirds of them with ids in their paths, 2,000 callers with an address
//! each, a third of them with a user id, 60 user agents, log-normal durations, 3 % errors. That is the shape `kind`;
//! every other shape differs from it in one way (`SHAPES`).
//!
//! Everything is derived from a seed, so that the same posts can be generated again and stored elsewhere.

use std::fmt::Write;
use std::net::Ipv4Addr;

/// A seeded generator (xorshift), so that every run has the same data.
pub struct Random(u64);

impl Random {
    /// Neighbouring seeds give unrelated numbers (SplitMix64's mixing).
    pub fn new(seed: u64) -> Random {
        let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Random((mixed ^ (mixed >> 31)).max(1))
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Between 0 and 1, small values more often.
    fn skewed(&mut self) -> f64 {
        let unit = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        unit * unit * unit
    }
}

/// The way in which the data differs from that of a tidy API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Kind,
    /// A million addresses, most of which call rarely.
    Public,
    /// An address per hit.
    Crowd,
    /// Half of the hits request one of a million articles, and no route is sent for them.
    Slugs,
    /// 100,000 user agents.
    Agents,
    /// A million user ids.
    Users,
}

/// All shapes by name.
pub const SHAPES: [(&str, Shape); 6] = [
    ("kind", Shape::Kind),
    ("public", Shape::Public),
    ("crowd", Shape::Crowd),
    ("slugs", Shape::Slugs),
    ("agents", Shape::Agents),
    ("users", Shape::Users),
];

/// A whole POST of a batch, head and body, with places for the key and the batch id: the cost of sending one again must
/// not count as the server's work, which has the same processors.
pub struct Post {
    pub bytes: Vec<u8>,
    key_at: usize,
    body_at: usize,
    id_at: usize,
}

impl Post {
    /// `start_us` to `end_us`: the hits' times, ascending.
    pub fn new(random: &mut Random, hits: u64, start_us: i64, end_us: i64) -> Post {
        Post::shaped(Shape::Kind, random, hits, start_us, end_us)
    }

    pub fn shaped(
        shape: Shape,
        random: &mut Random,
        hits: u64,
        start_us: i64,
        end_us: i64,
    ) -> Post {
        let mut body = String::with_capacity(hits as usize * 330 + 200);
        body.push_str(
            "{\"framework\":\"FastAPI\",\"privacy_level\":0,\"sdk\":\"python/0.1.0\",\"batch_id\":\"",
        );
        let id_in_body = body.len();
        body.push_str("0000000000000000\",\"requests\":[");
        for n in 0..hits {
            let time =
                start_us + (end_us - start_us) * n as i64 / hits as i64 + random.below(900) as i64;
            hit(&mut body, shape, random, time);
            body.push(if n + 1 == hits { ']' } else { ',' });
        }
        body.push('}');
        let start = "POST /api/requests HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-AUTH-TOKEN: ";
        let key = "00000000-0000-4000-8000-000000000000";
        let mut bytes =
            format!("{start}{key}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        let body_at = bytes.len();
        bytes.extend(body.into_bytes());
        Post { bytes, key_at: start.len(), body_at, id_at: body_at + id_in_body }
    }

    /// `key`: a UUID with dashes.
    pub fn set_key(&mut self, key: &str) {
        self.bytes[self.key_at..self.key_at + 36].copy_from_slice(key.as_bytes());
    }

    /// Makes it another batch: 16 hexadecimal digits.
    pub fn set_id(&mut self, id: u64) {
        let text = format!("{id:016x}");
        self.bytes[self.id_at..self.id_at + 16].copy_from_slice(text.as_bytes());
    }

    /// The batch's JSON.
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.body_at..]
    }
}

/// A project's year: evenly spread hits, in posts that can each be generated alone.
#[derive(Clone, Copy)]
pub struct Year {
    pub shape: Shape,
    pub hits: u64,
    /// Microseconds since 1970.
    pub end_us: i64,
    /// Different for each project.
    pub seed: u64,
}

impl Year {
    pub fn posts(&self) -> u64 {
        self.hits.div_ceil(YEAR_BATCH)
    }

    /// The hits of all posts before `number`.
    pub fn hits_before(&self, number: u64) -> u64 {
        (number * YEAR_BATCH).min(self.hits)
    }

    /// The post with this number, from 0; posts follow each other in time.
    pub fn post(&self, number: u64) -> Post {
        let (first, last) = (self.hits_before(number), self.hits_before(number + 1));
        let mut random = Random::new((self.seed << 32) ^ number);
        let start_us = self.end_us - YEAR_DAYS * 86_400_000_000;
        let at = |hit: u64| {
            let part = i128::from(self.end_us - start_us) * i128::from(hit);
            start_us + (part / i128::from(self.hits)) as i64
        };
        let mut post = Post::shaped(self.shape, &mut random, last - first, at(first), at(last));
        post.set_id((self.seed << 40) + number);
        post
    }
}

/// Less than a year: older hits are not accepted.
const YEAR_DAYS: i64 = 360;
const YEAR_BATCH: u64 = 5_000;

fn hit(text: &mut String, shape: Shape, random: &mut Random, time_us: i64) {
    let caller = (random.skewed() * 2_000.0) as u64;
    let route = (random.skewed() * 50.0) as u64;
    let ms = (3.0 + 1.2 * (random.skewed() * 3.0 - 1.0)).exp();
    let status = match random.below(200) {
        0..=1 => 500,
        2..=5 => 404,
        6 => 422,
        7..=16 => 201,
        _ => 200,
    };
    let method = ["GET", "GET", "GET", "POST", "PUT"][random.below(5) as usize];
    let (path, template) = match route % 3 {
        0 => (format!("/v1/resource{route}"), format!("/v1/resource{route}")),
        _ => {
            let id = (random.skewed() * 5_000.0) as u64;
            (format!("/v1/resource{route}/{id}/items"), format!("/v1/resource{route}/{{id}}/items"))
        }
    };
    let mut address =
        format!("{}.{}.{}.{}", 20 + caller % 180, caller % 251, caller / 251, caller % 250);
    let mut agent = caller % 60;
    let mut user =
        if caller.is_multiple_of(3) { format!("\"customer-{caller}\"") } else { "null".to_owned() };
    let mut place = format!("\"path\":\"{path}\",\"route\":\"{template}\"");
    match shape {
        Shape::Kind => {}
        Shape::Public => {
            // Spread over all networks: neighbours in rank are not neighbours in number.
            let number = Random::new((random.skewed() * 1e6) as u64).next();
            address = Ipv4Addr::from(number as u32 | 1 << 28).to_string();
            user = "null".to_owned();
        }
        Shape::Crowd => {
            address = Ipv4Addr::from(random.next() as u32 | 1 << 28).to_string();
            user = "null".to_owned();
        }
        Shape::Slugs => {
            if random.below(2) == 0 {
                let number = (random.skewed() * 1e6) as u64;
                let mut words = Random::new(number);
                let [one, two, three] = [0; 3].map(|_| WORDS[words.below(16) as usize]);
                place = format!("\"path\":\"/articles/{one}-{two}-{three}-{number:x}\"");
            }
        }
        Shape::Agents => agent = (random.skewed() * 1e5) as u64,
        Shape::Users => user = format!("\"customer-{}\"", (random.skewed() * 1e6) as u64),
    }
    let second = time_us.div_euclid(1_000_000);
    let (day, of_day) = (second.div_euclid(86_400), second.rem_euclid(86_400));
    let (year, month, date) = civil(day);
    let _ = write!(
        text,
        "{{\"hostname\":\"api.example.com\",\"ip_address\":\"{address}\",{place},\
         \"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/{agent}.0.0.0 Safari/537.36\",\
         \"method\":\"{method}\",\"status\":{status},\"response_time\":{ms:.3},\"user_id\":{user},\
         \"created_at\":\"{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}.{:06}Z\"}}",
        of_day / 3_600,
        of_day / 60 % 60,
        of_day % 60,
        time_us.rem_euclid(1_000_000),
    );
}

const WORDS: [&str; 16] = [
    "red", "fox", "winter", "market", "river", "stone", "garden", "night", "paper", "house",
    "silver", "train", "apple", "story", "bridge", "cloud",
];

/// Year, month and day of a day since 1970 (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}
