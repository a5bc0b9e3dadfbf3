//! A list of hits, read piece by piece: as much as fits its share of the memory of answers. Each piece waits for its
//! turn.

use analytics::limits;
use analytics::query::{ArrivalQuery, HitsQuery, ProjectScope};
use store::{Found, HitRow};

use crate::answers::Share;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::reads::Reader;

const FOUND_AT_ONCE: usize = limits::LIST_FOUND_AT_ONCE as usize;

/// Bytes of a piece's hits. Written they take about as much; the last third is a piece waiting to be sent.
const PIECE_BYTES: usize = (limits::ANSWER_SHARE_BYTES / 3) as usize;

pub struct List {
    app: SharedApp,
    reader: Reader,
    scope: ProjectScope,
    /// None: everything has been found.
    question: Option<Question>,
    /// Hits that may still be found after this page; none: no limit.
    left: Option<usize>,
    found: Found,
    share: Share,
}

enum Question {
    NewestFirst(HitsQuery),
    ByArrival(ArrivalQuery),
}

impl List {
    /// At most `limit` hits, newest first. Waits for a share of the memory of answers.
    pub async fn newest_first(
        app: SharedApp,
        reader: Reader,
        query: HitsQuery,
        limit: Option<usize>,
    ) -> Result<List, ApiError> {
        let scope = query.scope.clone();
        List::new(app, reader, scope, Question::NewestFirst(query), limit).await
    }

    /// At most `query.limit` hits, in order of arrival. Waits for a share of the memory of answers.
    pub async fn by_arrival(
        app: SharedApp,
        reader: Reader,
        query: ArrivalQuery,
    ) -> Result<List, ApiError> {
        let (scope, limit) = (query.scope.clone(), query.limit);
        List::new(app, reader, scope, Question::ByArrival(query), Some(limit)).await
    }

    async fn new(
        app: SharedApp,
        reader: Reader,
        scope: ProjectScope,
        question: Question,
        left: Option<usize>,
    ) -> Result<List, ApiError> {
        let share = app.answers.take(reader.address()).await?;
        let mut list =
            List { app, reader, scope, question: None, left, found: Found::default(), share };
        list.ask(question);
        Ok(list)
    }

    pub fn reader(&self) -> Reader {
        self.reader
    }

    pub fn share(&self) -> &Share {
        &self.share
    }

    /// The next hits, and whether they are the last. It may be empty.
    pub async fn next(&mut self) -> Result<(Vec<HitRow>, bool), ApiError> {
        let mut hits = Vec::new();
        while hits.is_empty() && !self.is_over() {
            hits = self.next_part().await?;
        }
        Ok((hits, self.is_over()))
    }

    fn is_over(&self) -> bool {
        self.found.is_empty() && self.question.is_none()
    }

    async fn next_part(&mut self) -> Result<Vec<HitRow>, ApiError> {
        if !self.found.is_empty() {
            let found = std::mem::take(&mut self.found);
            let (hits, found) =
                self.app.fetch(self.reader, &self.scope, found, PIECE_BYTES).await?;
            self.found = found;
            return Ok(hits);
        }
        match self.question.take() {
            None => Ok(Vec::new()),
            Some(Question::NewestFirst(query)) => {
                let part = self.app.part_of_hits(self.reader, query.clone(), PIECE_BYTES).await?;
                self.found = part.found;
                let is_whole = self.found.total() == query.limit;
                if let Some(rest) = part.rest {
                    self.note_found();
                    self.question = Some(Question::NewestFirst(rest));
                } else if let Some(after) = self.found.last().filter(|_| is_whole) {
                    self.note_found();
                    self.ask(Question::NewestFirst(HitsQuery { after: Some(after), ..query }));
                }
                Ok(part.hits)
            }
            Some(Question::ByArrival(query)) => {
                let part =
                    self.app.part_of_arrivals(self.reader, query.clone(), PIECE_BYTES).await?;
                self.found = part.found;
                let is_whole = self.found.total() == query.limit;
                if let Some(rest) = part.rest {
                    self.note_found();
                    self.question = Some(Question::ByArrival(rest));
                } else if let Some((_, last)) = self.found.last().filter(|_| is_whole) {
                    self.note_found();
                    let next = ArrivalQuery { after: Some(last), offset: 0, ..query };
                    self.ask(Question::ByArrival(next));
                }
                Ok(part.hits)
            }
        }
    }

    fn note_found(&mut self) {
        if let Some(left) = &mut self.left {
            *left -= self.found.total().min(*left);
        }
    }

    /// Asks for all hits still wanted, up to the bound of one scan.
    fn ask(&mut self, question: Question) {
        let limit = self.left.unwrap_or(FOUND_AT_ONCE).min(FOUND_AT_ONCE);
        self.question = (limit > 0).then_some(match question {
            Question::NewestFirst(query) => Question::NewestFirst(HitsQuery { limit, ..query }),
            Question::ByArrival(query) => Question::ByArrival(ArrivalQuery { limit, ..query }),
        });
    }
}
