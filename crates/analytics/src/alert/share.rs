//! Each project's share of a round's queries, so that a project with many rules delays only its own.

/// `costs`: of the queries of each project, in order. Returns how many queries of each project run: one of each project
/// in turn until `budget` is spent, and at most half of it on one project. The very first query always runs.
pub fn share_out(costs: &[Vec<u64>], budget: u64) -> Vec<usize> {
    let mut asked = vec![0; costs.len()];
    let mut spent_of = vec![0; costs.len()];
    let mut is_done = vec![false; costs.len()];
    let mut spent = 0;
    while is_done.contains(&false) {
        for (project, costs) in costs.iter().enumerate() {
            let Some(cost) = costs.get(asked[project]).filter(|_| !is_done[project]) else {
                is_done[project] = true;
                continue;
            };
            let is_first = asked.iter().all(|asked| *asked == 0);
            let fits = spent + cost <= budget && spent_of[project] + cost <= budget / 2;
            if !fits && !is_first {
                is_done[project] = true;
                continue;
            }
            asked[project] += 1;
            spent_of[project] += cost;
            spent += cost;
        }
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_with_many_questions_delays_its_own_alone() {
        for (costs, expected) in [
            (vec![], vec![]),
            (vec![vec![]], vec![0]),
            (vec![vec![10; 3], vec![10; 2]], vec![3, 2]),
            // Half of 100 at most.
            (vec![vec![10; 50], vec![10; 3]], vec![5, 3]),
            (vec![vec![10; 50], vec![10; 50], vec![10; 50]], vec![4, 3, 3]),
            (vec![vec![30; 9], vec![1; 9]], vec![1, 9]),
            // A query that never fits runs when its turn is first, and takes the whole budget.
            (vec![vec![500; 2], vec![10; 2]], vec![1, 0]),
            (vec![vec![10; 2], vec![500; 2]], vec![2, 0]),
        ] {
            assert_eq!(share_out(&costs, 100), expected, "{costs:?}");
        }
    }
}
