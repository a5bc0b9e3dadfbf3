//! The queries of rules with a filter, about consumers or about response times: rules of a project with the same
//! filter, group and period share one, and all queries together have a limited part of a round. The others run in the
//! next one.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use analytics::alert::{AnyRule, Group, Rule, share_out};
use analytics::hit::ProjectId;
use analytics::limits;

use super::own::{ask_own, find_own};
use super::{Findings, MINUTE_US, RuleAsker};
use crate::ask::{AskError, estimate};
use crate::rule::ActiveRule;

/// The place where the next round continues.
#[derive(Default)]
pub struct OwnQuestions {
    asked: HashMap<ProjectId, Key>,
    project: Option<ProjectId>,
}

/// The filter, the minutes, and the group.
type Key = (String, u32, Group);

/// The result of a round.
#[derive(Default)]
pub struct Answers {
    pub found: Vec<(i64, Findings)>,
    /// Rules that wait for the next round.
    pub unasked: usize,
}

struct Question<'a> {
    key: Key,
    rules: Vec<(i64, &'a Rule)>,
}

impl OwnQuestions {
    /// A rule whose query failed is missing.
    pub async fn observe(&mut self, ask: &RuleAsker<'_>, rules: &[ActiveRule]) -> Answers {
        let projects = self.in_turn(rules);
        let mut costs = Vec::with_capacity(projects.len());
        let mut answers = Answers::default();
        for (project, questions) in &projects {
            match costs_of(ask, *project, questions).await {
                Ok(of_project) => costs.push(of_project),
                Err(error) => {
                    tracing::warn!(%error, "rules could not be judged");
                    answers.unasked = rules.len();
                    return answers;
                }
            }
        }
        let counts = share_out(&costs, limits::RULE_QUESTIONS_MS);
        for ((project, questions), count) in projects.iter().zip(counts) {
            for question in &questions[count..] {
                answers.unasked += question.rules.len();
            }
            for question in &questions[..count] {
                self.project = Some(*project);
                self.asked.insert(*project, question.key.clone());
                let rules: Vec<&Rule> = question.rules.iter().map(|(_, rule)| *rule).collect();
                match ask_own(ask, *project, &rules, (ask.end_of)(*project)).await {
                    Ok(total) => {
                        let found = question.rules.iter();
                        answers.found.extend(found.map(|(id, rule)| (*id, find_own(rule, &total))));
                    }
                    Err(error) => {
                        let rule = question.rules.first().map(|(id, _)| id);
                        tracing::warn!(rule, %error, "a rule could not be judged");
                    }
                }
            }
        }
        answers
    }

    /// Starts with the project after the last one queried, and within each with the query after its last.
    fn in_turn<'a>(&mut self, rules: &'a [ActiveRule]) -> Vec<(ProjectId, Vec<Question<'a>>)> {
        let mut projects = BTreeMap::<ProjectId, BTreeMap<Key, Vec<(i64, &Rule)>>>::new();
        for active in rules {
            let AnyRule::Own { rule, .. } = &active.rule else { continue };
            if rule.counts_all() {
                continue;
            }
            let key = (rule.q.clone(), rule.window_minutes, rule.group_by);
            let questions = projects.entry(active.row.project).or_default();
            questions.entry(key).or_default().push((active.row.id, rule));
        }
        self.asked.retain(|project, _| projects.contains_key(project));
        // Numbers of projects begin at 1.
        let last = self.project.unwrap_or(ProjectId(0));
        let after = projects.range((Bound::Excluded(last), Bound::Unbounded));
        let before = projects.range(..=last);
        let in_turn = after.chain(before).map(|(project, questions)| {
            let of_key = |(key, rules): (&Key, &Vec<(i64, &'a Rule)>)| Question {
                key: key.clone(),
                rules: rules.clone(),
            };
            let questions = match self.asked.get(project) {
                None => questions.iter().map(of_key).collect(),
                Some(last) => {
                    let after = questions.range((Bound::Excluded(last), Bound::Unbounded));
                    after.chain(questions.range(..=last)).map(of_key).collect()
                }
            };
            (*project, questions)
        });
        in_turn.collect()
    }
}

/// About how long each of these questions takes, milliseconds.
async fn costs_of(
    ask: &RuleAsker<'_>,
    project: ProjectId,
    questions: &[Question<'_>],
) -> Result<Vec<u64>, AskError> {
    let (scope, end_us) = ((ask.scope)(project), (ask.end_of)(project));
    let mut costs = Vec::with_capacity(questions.len());
    for question in questions {
        let from_us = end_us - i64::from(question.key.1) * MINUTE_US;
        let rows = ask.asker.rows_between(std::slice::from_ref(&scope), from_us, end_us).await?;
        costs.push(estimate(rows).as_millis() as u64);
    }
    Ok(costs)
}
