//! Sessions of the page: a token in a cookie, and the projects that it gives access to.
//!
//! A session holds each project by its credential. It loses the project together with that: with the key when the key
//! is revoked, with the dashboard id when that is regenerated. Only a keyed hash of the token is stored.
//!
//! Deliberately not here: cookies, and the rights of an access.

use std::sync::Arc;

use analytics::hit::ProjectId;
use analytics::limits;

use super::directory::{Directory, ProjectGrant, SessionEntry, Touched};
use super::error::MetaError;
use super::handle::Meta;
use super::rows::Can;
use super::secrets::{DashboardId, Key, SecretHash, Token};
use crate::database::columns::column;

const DAY_US: i64 = 86_400_000_000;

/// How a session got access to a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionAccess {
    /// By a key with full access.
    Owner,
    /// By the dashboard id.
    Dashboard,
}

/// One of the projects of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionProject {
    pub project: ProjectId,
    pub access: SessionAccess,
}

/// Credential of a sign-in.
#[derive(Clone, Copy, Debug)]
pub enum Proof<'a> {
    Key(&'a Key),
    Dashboard(&'a DashboardId),
}

/// A session after a sign-in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The cookie's new value.
    pub token: Token,
    pub project: SessionProject,
}

impl Meta {
    /// Replaces the session of `token`, if that is valid, by one of the token `fresh` with the same projects and the
    /// one of `proof`. The old token ends: one that somebody else put into the browser, or has seen, must not gain
    /// access. None if the proof is unknown, or is a key that may only post.
    ///
    /// A project has at most `limits::SESSIONS_PER_PROJECT` sessions, a session at most `limits::PROJECTS_PER_SESSION`
    /// projects: the one unused for longest makes room.
    pub async fn sign_in(
        &self,
        token: Option<&Token>,
        fresh: Token,
        proof: Proof<'_>,
        now_us: i64,
    ) -> Result<Option<SignedIn>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let Some(new) = self.prove(proof) else { return Ok(None) };
        let known = token.filter(|token| self.valid_session(token, now_us).is_some());
        let ended = known.map(|token| self.inner.secret.hash_session(token));
        let before =
            ended.and_then(|hash| self.read(|directory| directory.sessions.get(&hash).cloned()));
        let hash = self.inner.secret.hash_session(&fresh);
        let (created_us, used) = match &before {
            Some(before) => (before.created_us, before.used.clone()),
            None => (now_us, Arc::new(Touched::new(Some(now_us)))),
        };
        let mut projects = before.map(|before| before.projects.clone()).unwrap_or_default();
        let grant = match projects.iter().position(|grant| grant.project == new.project) {
            Some(place) => {
                let before = projects.remove(place);
                let generation = new.generation.or(before.generation);
                ProjectGrant { project: new.project, key: new.key.or(before.key), generation }
            }
            None => new,
        };
        projects.push(grant);
        let too_many = projects.len().saturating_sub(limits::PROJECTS_PER_SESSION as usize);
        let left_out: Vec<ProjectGrant> = projects.drain(..too_many).collect();
        let crowded_out = self.read(|directory| least_used(directory, new.project, ended.as_ref()));

        let mut transaction = self.inner.db.pool.begin().await?;
        sqlx::query("INSERT INTO sessions (hash, created_us, last_used_us) VALUES ($1, $2, $3)")
            .bind(hash.as_slice())
            .bind(created_us)
            .bind(now_us)
            .execute(&mut *transaction)
            .await?;
        if let Some(ended) = &ended {
            sqlx::query("UPDATE session_projects SET session = $1 WHERE session = $2")
                .bind(hash.as_slice())
                .bind(ended.as_slice())
                .execute(&mut *transaction)
                .await?;
            sqlx::query("DELETE FROM sessions WHERE hash = $1")
                .bind(ended.as_slice())
                .execute(&mut *transaction)
                .await?;
        }
        sqlx::query("INSERT INTO session_projects (session, project, key, generation) VALUES ($1, $2, $3, $4) ON CONFLICT (session, project) DO UPDATE SET key = excluded.key, generation = excluded.generation")
            .bind(hash.as_slice())
            .bind(column(grant.project))
            .bind(grant.key)
            .bind(grant.generation.map(i64::from))
            .execute(&mut *transaction)
            .await?;
        let gone = left_out.iter().map(|grant| (hash, grant.project));
        let gone = gone.chain(crowded_out.iter().map(|session| (*session, new.project)));
        for (session, project) in gone {
            sqlx::query("DELETE FROM session_projects WHERE session = $1 AND project = $2")
                .bind(session.as_slice())
                .bind(column(project))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        self.write(|directory| {
            for session in &crowded_out {
                directory.change_session(session, |grant| grant.project != new.project);
            }
            if let Some(ended) = &ended {
                directory.sessions.remove(ended);
            }
            let entry = SessionEntry { created_us, used, projects };
            directory.sessions.insert(hash, Arc::new(entry));
        });
        Ok(Some(SignedIn { token: fresh, project: grant.shown() }))
    }

    /// The projects of a valid session, and marks it as used; none if it is unknown or has expired.
    pub fn session(&self, token: &Token, now_us: i64) -> Option<Vec<SessionProject>> {
        let entry = self.valid_session(token, now_us)?;
        entry.used.touch(now_us);
        Some(entry.projects.iter().map(ProjectGrant::shown).collect())
    }

    /// Removes one project from the session, or ends it. An unknown session is ignored.
    pub async fn sign_out(
        &self,
        token: &Token,
        project: Option<ProjectId>,
    ) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        let hash = self.inner.secret.hash_session(token);
        let delete = match project {
            Some(project) => {
                sqlx::query("DELETE FROM session_projects WHERE session = $1 AND project = $2")
                    .bind(hash.as_slice())
                    .bind(column(project))
            }
            None => sqlx::query("DELETE FROM sessions WHERE hash = $1").bind(hash.as_slice()),
        };
        delete.execute(&self.inner.db.pool).await?;
        self.write(|directory| match project {
            Some(project) => directory.change_session(&hash, |grant| grant.project != project),
            None => {
                directory.sessions.remove(&hash);
            }
        });
        Ok(())
    }

    /// Forgets sessions that have expired or are empty.
    pub async fn forget_expired_sessions(&self, now_us: i64) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        let expired: Vec<SecretHash> = self.read(|directory| {
            let sessions = directory.sessions.iter();
            sessions
                .filter(|(_, entry)| entry.has_expired(now_us) || entry.projects.is_empty())
                .map(|(hash, _)| *hash)
                .collect()
        });
        if expired.is_empty() {
            return Ok(());
        }
        let mut transaction = self.inner.db.pool.begin().await?;
        for hash in &expired {
            sqlx::query("DELETE FROM sessions WHERE hash = $1")
                .bind(hash.as_slice())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        self.write(|directory| {
            for hash in &expired {
                directory.sessions.remove(hash);
            }
        });
        Ok(())
    }

    fn valid_session(&self, token: &Token, now_us: i64) -> Option<Arc<SessionEntry>> {
        let hash = self.inner.secret.hash_session(token);
        let entry = self.read(|directory| directory.sessions.get(&hash).cloned())?;
        (!entry.has_expired(now_us)).then_some(entry)
    }

    fn prove(&self, proof: Proof<'_>) -> Option<ProjectGrant> {
        match proof {
            Proof::Key(key) => {
                let grant = self.grant(key).filter(|grant| grant.can() == Can::Everything)?;
                Some(ProjectGrant {
                    project: grant.project(),
                    key: Some(grant.key.id),
                    generation: None,
                })
            }
            Proof::Dashboard(id) => {
                let project = self.dashboard(id).and_then(|project| self.project(project))?;
                let generation = Some(project.generation);
                Some(ProjectGrant { project: project.id, key: None, generation })
            }
        }
    }
}

impl ProjectGrant {
    fn shown(&self) -> SessionProject {
        let access =
            if self.key.is_some() { SessionAccess::Owner } else { SessionAccess::Dashboard };
        SessionProject { project: self.project, access }
    }
}

impl SessionEntry {
    fn has_expired(&self, now_us: i64) -> bool {
        let used_us = self.used.get().unwrap_or(self.created_us);
        now_us - used_us > limits::SESSION_IDLE_DAYS as i64 * DAY_US
            || now_us - self.created_us > limits::SESSION_DAYS as i64 * DAY_US
    }
}

/// The sessions that lose the project to make room for a new one, which takes the place of `ended`.
fn least_used(
    directory: &Directory,
    project: ProjectId,
    ended: Option<&SecretHash>,
) -> Vec<SecretHash> {
    let holds = |entry: &SessionEntry| entry.projects.iter().any(|grant| grant.project == project);
    let mut others: Vec<(Option<i64>, SecretHash)> = directory
        .sessions
        .iter()
        .filter(|(hash, entry)| Some(*hash) != ended && holds(entry))
        .map(|(hash, entry)| (entry.used.get(), *hash))
        .collect();
    others.sort_unstable();
    let too_many = (others.len() + 1).saturating_sub(limits::SESSIONS_PER_PROJECT as usize);
    others.into_iter().take(too_many).map(|(_, hash)| hash).collect()
}
