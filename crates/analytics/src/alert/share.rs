//! How much of a round the questions of each project get, so that a project with many rules delays its own alone.

/// `costs`: of the questions of each project, in the order in which they are to be asked. Returns how many of each are: one of
/// each project in turn until `budget` is spent, of which one project has half at most. The first of all is always among them.
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
            // One that never fits is asked when its turn is first, and takes what there is.
            (vec![vec![500; 2], vec![10; 2]], vec![1, 0]),
            (vec![vec![10; 2], vec![500; 2]], vec![2, 0]),
        ] {
            assert_eq!(share_out(&costs, 100), expected, "{costs:?}");
        }
    }
}
