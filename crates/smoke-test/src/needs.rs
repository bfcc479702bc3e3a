//! What waits for what.

/// A circle among checks of which each waits for those in its list; `None` when there is none.
pub(crate) fn circle(needs: &[Vec<usize>]) -> Option<Vec<usize>> {
    // Whatever waits for nothing is taken away, again and again: what is left waits in circles.
    let mut waits: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut needed_by = vec![Vec::new(); needs.len()];
    for (index, needs) in needs.iter().enumerate() {
        for needed in needs {
            needed_by[*needed].push(index);
        }
    }
    let mut free: Vec<usize> = (0..needs.len()).filter(|index| waits[*index] == 0).collect();
    while let Some(index) = free.pop() {
        for waiting in &needed_by[index] {
            waits[*waiting] -= 1;
            if waits[*waiting] == 0 {
                free.push(*waiting);
            }
        }
    }
    let start = waits.iter().position(|left| *left > 0)?;
    let mut path = Vec::new();
    let mut position = vec![None; needs.len()];
    let mut next = start;
    while position[next].is_none() {
        position[next] = Some(path.len());
        path.push(next);
        next = *needs[next].iter().find(|needed| waits[**needed] > 0)?;
    }
    Some(path.split_off(position[next]?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_circle_is_found() {
        assert_eq!(circle(&[vec![1], vec![2], vec![]]), None);
        assert_eq!(circle(&[vec![0]]), Some(vec![0]));
        assert_eq!(circle(&[vec![1], vec![2], vec![1]]), Some(vec![1, 2]));
        let long: Vec<Vec<usize>> = (0..100_000).map(|index| vec![(index + 1) % 100_000]).collect();
        assert_eq!(circle(&long).unwrap().len(), 100_000);
    }

    proptest! {
        #[test]
        fn what_is_found_is_a_circle(needs in prop::collection::vec(prop::collection::vec(0_usize..8, 0..3), 8)) {
            if let Some(circle) = circle(&needs) {
                for (index, check) in circle.iter().enumerate() {
                    prop_assert!(needs[*check].contains(&circle[(index + 1) % circle.len()]));
                }
            }
        }
    }
}
