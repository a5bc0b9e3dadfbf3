//! Runs every case of `contract/batches/` (its README describes the format).

use std::collections::HashMap;
use std::path::Path;

use analytics::batch::Batch;
use analytics::enrich::{Countries, Enricher, Settings};
use analytics::hit::{Hit, TextKind};
use analytics::hit_fields::{FIELDS, Number, Stored, Word};
use analytics::ingest::{self, ReadTime, parse_time};
use base64::Engine;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[expect(dead_code, reason = "for readers")]
    about: Option<String>,
    #[serde(default)]
    project: Project,
    posts: Vec<Post>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Project {
    privacy_level: u8,
    max_age_days: Option<i64>,
    keep_days: Option<i64>,
}

impl Default for Project {
    fn default() -> Self {
        Project { privacy_level: 0, max_age_days: Some(365), keep_days: None }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Post {
    arrival: String,
    request: Request,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    #[expect(dead_code, reason = "for the server's and the SDKs' tests")]
    headers: Option<Value>,
    body: Option<Value>,
    body_text: Option<String>,
    body_base64: Option<String>,
    times: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    status: u16,
    code: Option<String>,
    accepted: Option<usize>,
    repeated: Option<usize>,
    #[serde(default)]
    rejected: Vec<Value>,
    #[serde(default)]
    repairs: Map<String, Value>,
    #[serde(default)]
    batch: Map<String, Value>,
    #[serde(default)]
    each: Map<String, Value>,
    #[serde(default)]
    hits: Vec<Map<String, Value>>,
}

#[test]
fn every_case_of_the_contract_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contract/batches");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(!files.is_empty(), "no cases in {}", folder.display());

    let enricher = Enricher::new(Countries::embedded());
    let mut problems = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let case: Case = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(!case.posts.is_empty(), "{} posts nothing", file.display());
        let mut seen = Seen::default();
        for (number, post) in case.posts.iter().enumerate() {
            if let Err(problem) = check(post, &case.project, &enricher, &mut seen) {
                problems.push(format!(
                    "{}, \"{}\", post {number}: {problem}",
                    file.file_name().unwrap().display(),
                    case.name
                ));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// How often each hit occurred in the batch that has it most often: like the inbox, without its window.
#[derive(Default)]
struct Seen(HashMap<u64, usize>);

impl Seen {
    /// The number of repeats.
    fn look_through(&mut self, hashes: &[u64]) -> usize {
        let mut counts: HashMap<u64, usize> = HashMap::new();
        for hash in hashes {
            *counts.entry(*hash).or_default() += 1;
        }
        let mut repeated = 0;
        for (hash, count) in counts {
            let most = self.0.entry(hash).or_default();
            repeated += count.min(*most);
            *most = count.max(*most);
        }
        repeated
    }
}

fn check(
    post: &Post,
    project: &Project,
    enricher: &Enricher,
    seen: &mut Seen,
) -> Result<(), String> {
    let expect = &post.expect;
    let posted = match ingest::decode(&body(&post.request)) {
        Ok(posted) => posted,
        Err(error) => {
            same("code", json!(error.code()), json!(expect.code))?;
            return same(
                "status",
                json!(if error.is_too_large() { 413 } else { 400 }),
                json!(expect.status),
            );
        }
    };
    same("code", Value::Null, json!(expect.code))?;
    for (key, value) in &expect.batch {
        let found = match key.as_str() {
            "api_key" => json!(posted.api_key),
            "batch_id" => json!(posted.batch_id),
            "release" => json!(posted.release),
            "sdk" => json!(posted.sdk),
            "privacy_level" => json!(posted.privacy_level),
            other => return Err(format!("`batch` knows no {other}")),
        };
        same(key, found, value.clone())?;
    }

    let day_us = 86_400_000_000;
    let settings = Settings {
        privacy_level: project.privacy_level,
        max_age_us: project.max_age_days.map(|days| days * day_us),
        keep_us: project.keep_days.map(|days| days * day_us),
    };
    let sent = posted.hits_sent();
    let enriched = enricher.enrich(posted, &settings, None, time_us(&post.arrival)?);
    let batch = &enriched.batch;
    consistent(batch)?;
    assert_eq!(sent, batch.hits.len() + enriched.rejected.len());

    let rejected: Vec<Value> = enriched
        .rejected
        .iter()
        .map(|rejection| json!({"index": rejection.index, "reason": rejection.reason.as_str()}))
        .collect();
    same("rejected", json!(rejected), json!(expect.rejected))?;
    let repairs: Map<String, Value> = enriched
        .repairs
        .named()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| (name.into(), json!(count)))
        .collect();
    same("repairs", json!(repairs), json!(expect.repairs))?;

    let times = post.request.times.unwrap_or(1);
    same("number of hits", json!(batch.hits.len()), json!(expect.hits.len() * times))?;
    for (number, (hit, expected)) in batch.hits.iter().zip(expect.hits.iter().cycle()).enumerate() {
        let mut fields = expect.each.clone();
        fields.extend(expected.clone());
        let time = fields.remove("time").ok_or("a hit needs its `time`")?;
        same(
            &format!("time of hit {number}"),
            json!(hit.time_us),
            json!(time_us(time.as_str().unwrap_or_default())?),
        )?;
        same(
            &format!("hit {number}"),
            Value::Object(to_fields(batch, hit)),
            Value::Object(fields),
        )?;
    }

    let looked_through = !batch.repeat_hashes.is_empty();
    let repeated = seen.look_through(&batch.repeat_hashes);
    same("repeated", json!(repeated), json!(expect.repeated.unwrap_or(0)))?;
    if expect.repeated.is_none() {
        same("whether repeats are looked for", json!(looked_through), json!(false))?;
    }
    same("accepted", json!(batch.hits.len() - repeated), json!(expect.accepted))?;
    let status = if sent > 0 && batch.hits.is_empty() { 400 } else { 200 };
    same("status", json!(status), json!(expect.status))
}

fn body(request: &Request) -> Vec<u8> {
    match (&request.body, &request.body_text, &request.body_base64) {
        (Some(body), None, None) => {
            let mut body = body.clone();
            if let Some(times) = request.times {
                let hits = body["requests"].as_array_mut().unwrap();
                *hits = hits.iter().cycle().take(hits.len() * times).cloned().collect();
            }
            serde_json::to_vec(&body).unwrap()
        }
        (None, Some(text), None) => text.clone().into_bytes(),
        (None, None, Some(base64)) => base64::prelude::BASE64_STANDARD.decode(base64).unwrap(),
        _ => panic!("a request has one body"),
    }
}

fn time_us(text: &str) -> Result<i64, String> {
    match parse_time(text) {
        Some(ReadTime::Zoned(time_us)) => Ok(time_us),
        _ => Err(format!("`{text}` is no time with a zone")),
    }
}

fn same(what: &str, found: Value, expected: Value) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}\n     found {found}\n  expected {expected}"))
    }
}

fn to_fields(batch: &Batch, hit: &Hit) -> Map<String, Value> {
    let agent = &batch.dictionary.agents[hit.text(TextKind::Agent) as usize];
    let mut fields = Map::new();
    for info in FIELDS {
        let (name, value) = match info.stored {
            Stored::Time | Stored::Nothing => continue,
            Stored::Number(Number::Status) => (info.name, json!(hit.status)),
            Stored::Number(Number::Duration) => (info.column, json!(hit.duration_us)),
            Stored::Number(Number::RequestSize) => (info.name, json!(hit.request_size)),
            Stored::Number(Number::ResponseSize) => (info.name, json!(hit.response_size)),
            Stored::Country => (info.name, json!(hit.country.as_str())),
            Stored::Text(kind) => (info.name, json!(batch.text(hit, kind))),
            Stored::Word(Word::Client) => (info.name, json!(agent.client)),
            Stored::Word(Word::Os) => (info.name, json!(agent.os)),
            Stored::Word(Word::Device) => (info.name, json!(agent.device)),
            Stored::Word(Word::Version) => {
                (info.name, json!(batch.dictionary.versions[hit.text(TextKind::Path) as usize]))
            }
        };
        if value != json!("") && !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    }
    fields
}

/// Invariants of every batch that is kept.
pub fn consistent(batch: &Batch) -> Result<(), String> {
    let dictionary = &batch.dictionary;
    let holds =
        |what: &str, holds: bool| if holds { Ok(()) } else { Err(format!("inconsistent: {what}")) };
    holds(
        "a row of traits for each agent",
        dictionary.agents.len() == dictionary.texts[TextKind::Agent as usize].len(),
    )?;
    holds(
        "a version for each path",
        dictionary.versions.len() == dictionary.texts[TextKind::Path as usize].len(),
    )?;
    holds(
        "a hash for each hit or none",
        [0, batch.hits.len()].contains(&batch.repeat_hashes.len()),
    )?;
    for kind in TextKind::ALL {
        let texts = &dictionary.texts[kind as usize];
        holds("the first text of a kind is none", texts[0].is_empty())?;
        let mut used = vec![false; texts.len()];
        used[0] = true;
        for hit in &batch.hits {
            used[hit.text(kind) as usize] = true;
        }
        let only_batchwide =
            matches!(kind, TextKind::Framework | TextKind::Sdk) && batch.hits.is_empty();
        holds(
            &format!("a {} that no hit has", kind.column()),
            only_batchwide || used.iter().all(|used| *used),
        )?;
        let distinct: std::collections::HashSet<&str> = texts.iter().collect();
        holds(&format!("a {} that stands twice", kind.column()), distinct.len() == texts.len())?;
    }
    let sane = |hit: &Hit| {
        (100..600).contains(&hit.status)
            && hit.duration_us.is_none_or(|us| us <= analytics::latency::MAX_US)
            && hit.text(TextKind::Method) != 0
            && hit.text(TextKind::Path) != 0
    };
    holds("the hits' numbers", batch.hits.iter().all(sane))
}
