//! Microseconds of CPU per hit for each stage of ingest that is a rule: decode and enrich, over a realistic batch of
//! 1,000 hits: 50 routes, two thirds of them with ids in their paths, 2,000 addresses, 60 user agents. Prints lines of
//! `name value unit`.
//!
//! It measures one core and warm caches. `cargo run --release -p analytics --example stages [rounds]`
#![expect(clippy::print_stdout, reason = "its purpose")]

use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use analytics::enrich::{Countries, Enricher, Settings};
use analytics::ingest;

const HITS: u64 = 1_000;
const BATCHES: u64 = 20;
const ARRIVAL_US: i64 = 1_795_332_000_000_000;

fn main() {
    let rounds: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(20);
    let mut random = Random(7);
    let bodies: Vec<String> = (0..BATCHES).map(|_| body(&mut random)).collect();
    let small: Vec<String> = (0..BATCHES).map(|_| body_of(&mut random, 10)).collect();
    let enricher = Enricher::new(Countries::embedded());
    let warming = Instant::now();
    enricher.warm();
    println!("compile_agents {:.1} ms", warming.elapsed().as_secs_f64() * 1e3);
    let bytes: usize = bodies.iter().map(String::len).sum();
    println!("body {:.1} bytes/hit", bytes as f64 / (BATCHES * HITS) as f64);

    for (name, bodies, hits) in [("batches_of_1000", &bodies, HITS), ("batches_of_10", &small, 10)]
    {
        let rounds = rounds * HITS / hits;
        let (mut decoding, mut enriching, mut dropping) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds + 2 {
            let started = Instant::now();
            let posted: Vec<_> =
                bodies.iter().map(|body| ingest::decode(black_box(body.as_bytes()))).collect();
            let decoded = Instant::now();
            let settings = Settings::default();
            let enriched: Vec<_> = posted
                .into_iter()
                .map(|posted| {
                    enricher.enrich(
                        black_box(posted.expect("a valid body")),
                        &settings,
                        None,
                        ARRIVAL_US,
                    )
                })
                .collect();
            let finished = Instant::now();
            assert!(
                enriched.iter().all(|enriched| enriched.batch.hits.len() as u64 == hits
                    && enriched.rejected.is_empty())
            );
            let checked = Instant::now();
            drop(enriched);
            // The first rounds warm caches.
            if round >= 2 {
                let per_hit = |spent: std::time::Duration| {
                    spent.as_secs_f64() * 1e6 / (BATCHES * hits) as f64
                };
                decoding.push(per_hit(decoded - started));
                enriching.push(per_hit(finished - decoded));
                dropping.push(per_hit(checked.elapsed()));
            }
        }
        println!("decode_{name} {:.3} us/hit", median(decoding));
        println!("enrich_{name} {:.3} us/hit", median(enriching));
        println!("drop_{name} {:.3} us/hit", median(dropping));
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn body(random: &mut Random) -> String {
    body_of(random, HITS)
}

fn body_of(random: &mut Random, hits: u64) -> String {
    let mut body =
        String::from(r#"{"api_key":"3f0c1c4e-2b1a-4f0e-9a52-5d1c7b2f9e11","requests":["#);
    for hit in 0..hits {
        if hit > 0 {
            body.push(',');
        }
        let route = random.below(50);
        let path = match route % 3 {
            0 => format!("/v1/resource{route}"),
            1 => format!("/v1/resource{route}/{}", random.below(100_000)),
            _ => format!(
                "/v1/resource{route}/{}/items/{:032x}",
                random.below(5_000),
                u128::from(random.below(1 << 60))
            ),
        };
        let address = random.below(2_000);
        let user = random.below(3_000);
        let status = [200, 200, 200, 200, 201, 204, 304, 400, 404, 500][random.below(10) as usize];
        let _ = write!(
            body,
            concat!(
                r#"{{"hostname":"api.example.com","ip_address":"{}.{}.{}.{}","path":"{}","user_agent":"{}","method":"{}","#,
                r#""status":{},"response_time":{},"user_id":{},"created_at":"2026-11-22T07:{:02}:{:02}.{:06}Z"}}"#
            ),
            20 + address % 170,
            address * 7 % 256,
            address * 13 % 256,
            address % 254 + 1,
            path,
            agent(random.below(60)),
            ["GET", "GET", "GET", "POST", "PUT", "DELETE"][random.below(6) as usize],
            status,
            random.below(400),
            if user < 2_000 { format!("\"user-{user}\"") } else { "null".into() },
            random.below(60),
            random.below(60),
            random.below(1_000_000),
        );
    }
    body.push_str(r#"],"framework":"FastAPI","privacy_level":0}"#);
    body
}

fn agent(number: u64) -> String {
    match number % 4 {
        0 => format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36",
            90 + number
        ),
        1 => format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{number} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
        ),
        2 => format!("python-httpx/0.{number}.1"),
        _ => format!("okhttp/4.{number}.0"),
    }
}

/// SplitMix64: the same batches at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
