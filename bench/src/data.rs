//! The data that the numbers are measured with: an API of 50 routes, two thirds of them with ids in their paths, 2,000
//! callers with an address each, a third of them with a user id, 60 user agents, log-normal durations, 3 % errors.

use std::fmt::Write;

/// A seeded generator (xorshift), so that every run has the same data.
pub struct Random(pub u64);

impl Random {
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

/// A batch's JSON with a place for the batch id.
pub struct Body {
    pub bytes: Vec<u8>,
    id_at: usize,
}

impl Body {
    /// Makes another batch of it: 16 hexadecimal digits.
    pub fn set_id(&mut self, id: u64) {
        let text = format!("{id:016x}");
        self.bytes[self.id_at..self.id_at + 16].copy_from_slice(text.as_bytes());
    }
}

/// `start_us` to `end_us`: the hits' times, ascending.
pub fn body(random: &mut Random, hits: u64, start_us: i64, end_us: i64) -> Body {
    let mut text = String::with_capacity(hits as usize * 300 + 200);
    text.push_str(
        "{\"framework\":\"FastAPI\",\"privacy_level\":0,\"sdk\":\"python/0.1.0\",\"batch_id\":\"",
    );
    let id_at = text.len();
    text.push_str("0000000000000000\",\"requests\":[");
    for n in 0..hits {
        let time =
            start_us + (end_us - start_us) * n as i64 / hits as i64 + random.below(900) as i64;
        hit(&mut text, random, time);
        text.push(if n + 1 == hits { ']' } else { ',' });
    }
    text.push('}');
    Body { bytes: text.into_bytes(), id_at }
}

fn hit(text: &mut String, random: &mut Random, time_us: i64) {
    let caller = (random.skewed() * 2_000.0) as u64;
    let route = (random.skewed() * 50.0) as u64;
    let agent = caller % 60;
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
    let user =
        if caller.is_multiple_of(3) { format!("\"customer-{caller}\"") } else { "null".to_owned() };
    let second = time_us.div_euclid(1_000_000);
    let (day, of_day) = (second.div_euclid(86_400), second.rem_euclid(86_400));
    let (year, month, date) = civil(day);
    let _ = write!(
        text,
        "{{\"hostname\":\"api.example.com\",\"ip_address\":\"{}.{}.{}.{}\",\"path\":\"{path}\",\"route\":\"{template}\",\
         \"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/{agent}.0.0.0 Safari/537.36\",\
         \"method\":\"{method}\",\"status\":{status},\"response_time\":{ms:.3},\"user_id\":{user},\
         \"created_at\":\"{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}.{:06}Z\"}}",
        20 + caller % 180,
        caller % 251,
        caller / 251,
        caller % 250,
        of_day / 3_600,
        of_day / 60 % 60,
        of_day % 60,
        time_us.rem_euclid(1_000_000),
    );
}

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
