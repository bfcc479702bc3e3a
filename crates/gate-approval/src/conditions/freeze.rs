//! Makes the windows that `freeze` judges by from the configuration.

use sluice_config::Placed;
use sluice_core::{Place, Problem};
use sluice_gate::{
    Gathered,
    freeze::{Facts, Freeze, Part, Window, WindowText, WrongWindow},
};

use crate::condition::{Gather, World};

pub(crate) struct Gatherer {
    policy: Freeze,
    /// Why the freeze is to be broken, as it was given.
    reason: Option<String>,
}

impl Gatherer {
    pub(super) fn new(
        windows: &[Placed<sluice_config::Freeze>],
        break_glass: Option<u32>,
        reason: Option<&str>,
        place_of: impl Fn(&Placed<String>) -> Place,
    ) -> Result<Self, Problem> {
        let windows = windows.iter().map(|freeze| window(freeze, &place_of)).collect::<Result<_, _>>()?;
        Ok(Self { policy: Freeze { windows, break_glass }, reason: reason.map(str::to_owned) })
    }
}

/// The window of a configuration.
pub(super) fn window(
    freeze: &sluice_config::Freeze,
    place_of: impl Fn(&Placed<String>) -> Place,
) -> Result<Window, Problem> {
    let sluice_config::Freeze { from, until, zone, reason } = freeze;
    let text = WindowText {
        from: from.value.clone(),
        until: until.value.clone(),
        zone: zone.value.clone(),
        reason: reason.clone(),
    };
    text.try_into().map_err(|WrongWindow { part, problem }| {
        problem.at(place_of(match part {
            Part::From => from,
            Part::Until => until,
            Part::Zone => zone,
        }))
    })
}

impl Gather for Gatherer {
    type Policy = Freeze;

    fn policy(&self) -> Freeze {
        self.policy.clone()
    }

    async fn gather(&self, _: &World<'_>) -> Result<Gathered<Facts>, Problem> {
        Ok(Gathered::given(Facts { break_glass: self.reason.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use sluice_config::File;
    use sluice_core::{Configuration as _, Problems};

    use crate::Policy;

    fn refused(from: &str, until: &str, zone: &str) -> String {
        let text = format!(
            "version: 1\nenvironments:\n  dev:\n    gate:\n      freeze:\n        - from: '{from}'\n          until: '{until}'\n          zone: '{zone}'\n"
        );
        let file: Result<File<Policy>, Problems> = File::parse(text.as_bytes(), "f");
        let problem = file.unwrap_err().0.remove(0);
        format!(
            "{}: {problem} ({})",
            problem.place.as_ref().unwrap(),
            problem.help.as_deref().or(problem.why.as_deref()).unwrap_or_default()
        )
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        insta::assert_snapshot!(refused("Fri 15:00", "Mon 07:00", "Europe/Berln"), @r##"f:8:17: "Europe/Berln" is no time zone (did you mean "Europe/Berlin"?)"##);
        insta::assert_snapshot!(refused("Fri 15:00", "Mon 07:00", "CEST"), @r##"f:8:17: "CEST" is no time zone (did you mean "CET"?)"##);
        insta::assert_snapshot!(refused("Fri 15:00", "Mon 07:00", "Etc/Unknown"), @r##"f:8:17: "Etc/Unknown" is no time zone (write the zone's IANA name, as `Europe/Berlin`)"##);
        insta::assert_snapshot!(refused("Friday 15:00", "Mon 07:00", "UTC"), @r##"f:6:17: "Friday 15:00" is no time for a freeze (write it weekly, as `Fri 15:00`, or dated, as `2026-12-20` or `2026-12-20 18:00`)"##);
        insta::assert_snapshot!(refused("Fri 15:00", "2026-12-20", "UTC"), @"f:7:18: the freeze is weekly at one end and dated at the other (write both weekly, as `Fri 15:00`, or both dated, as `2026-12-20`)");
        insta::assert_snapshot!(refused("Fri 15:00", "Fri 15:00", "UTC"), @"f:7:18: the freeze ends as it begins (let it end at another time)");
        insta::assert_snapshot!(refused("2026-12-20", "2026-12-20 00:00", "UTC"), @"f:7:18: the freeze ends as it begins (let it end at another time)");
        insta::assert_snapshot!(refused("2026-12-20 12:00", "2026-12-20 11:59", "UTC"), @"f:7:18: the freeze ends before it begins (it begins at 2026-12-20 12:00 and ends at 2026-12-20 11:59)");
    }
}
