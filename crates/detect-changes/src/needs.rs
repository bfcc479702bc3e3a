//! The order that `needs` gives.

/// The positions so that each comes behind all that it needs; a circle as an error, each of its members
/// followed by one that it needs.
pub(crate) fn order(needs: &[&[usize]]) -> Result<Vec<usize>, Vec<usize>> {
    let mut order: Vec<usize> = Vec::with_capacity(needs.len());
    let mut missing: Vec<usize> = needs.iter().map(|needs| needs.len()).collect();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (index, needs) in needs.iter().enumerate() {
        for need in *needs {
            needed_by[*need].push(index);
        }
    }
    order.extend((0..needs.len()).filter(|index| missing[*index] == 0));
    let mut next = 0;
    while let Some(done) = order.get(next).copied() {
        next += 1;
        for index in &needed_by[done] {
            missing[*index] -= 1;
            if missing[*index] == 0 {
                order.push(*index);
            }
        }
    }
    match (0..needs.len()).find(|index| missing[*index] > 0) {
        None => Ok(order),
        Some(start) => Err(circle(start, needs, &missing)),
    }
}

/// What still misses something needs something that does: following that leads into a circle.
fn circle(start: usize, needs: &[&[usize]], missing: &[usize]) -> Vec<usize> {
    let mut seen: Vec<usize> = Vec::new();
    let mut at = start;
    loop {
        if let Some(first) = seen.iter().position(|index| *index == at) {
            return seen.split_off(first);
        }
        seen.push(at);
        match needs[at].iter().find(|need| missing[**need] > 0) {
            Some(need) => at = *need,
            None => return seen,
        }
    }
}

/// The changed ones in stages: each needs nothing of its own stage or a later one, be it through others
/// that did not change.
pub(crate) fn stages(order: &[usize], needs: &[&[usize]], changed: &[bool]) -> Vec<Vec<usize>> {
    let mut stage_of = vec![0; needs.len()];
    let mut stages: Vec<Vec<usize>> = Vec::new();
    for index in order {
        let after = |need: &usize| stage_of[*need] + usize::from(changed[*need]);
        let stage = needs[*index].iter().map(after).max().unwrap_or(0);
        stage_of[*index] = stage;
        if changed[*index] {
            stages.resize(stages.len().max(stage + 1), Vec::new());
            stages[stage].push(*index);
        }
    }
    for stage in &mut stages {
        stage.sort_unstable();
    }
    stages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_behind_what_it_needs() {
        assert_eq!(order(&[&[1, 2], &[2], &[]]), Ok(vec![2, 1, 0]));
        assert_eq!(order(&[&[1, 1], &[]]), Ok(vec![1, 0]));
        assert_eq!(order(&[]), Ok(vec![]));
    }

    #[test]
    fn a_circle_is_told_without_what_only_leads_into_it() {
        assert_eq!(order(&[&[0]]), Err(vec![0]));
        assert_eq!(order(&[&[1], &[3, 2], &[1], &[]]), Err(vec![1, 2]));
    }

    #[test]
    fn a_long_chain_takes_no_stack() {
        let chain: Vec<Vec<usize>> =
            (0..100_000).map(|index: usize| index.checked_sub(1).into_iter().collect()).collect();
        let needs: Vec<&[usize]> = chain.iter().map(Vec::as_slice).collect();
        assert_eq!(order(&needs).unwrap().len(), 100_000);
    }

    #[test]
    fn stages_keep_the_order_through_what_did_not_change() {
        // foundation <- platform <- apps, foundation <- databases
        let needs: [&[usize]; 4] = [&[], &[0], &[0], &[1]];
        let order = order(&needs).unwrap();
        assert_eq!(stages(&order, &needs, &[true; 4]), [vec![0], vec![1, 2], vec![3]]);
        assert_eq!(stages(&order, &needs, &[true, false, true, true]), [vec![0], vec![2, 3]]);
        assert_eq!(stages(&order, &needs, &[false, false, false, true]), [vec![3]]);
        assert_eq!(stages(&order, &needs, &[false; 4]), Vec::<Vec<usize>>::new());
    }
}
