//! A slip in a name, told from a name of somebody else's. Knows no tool.

use strsim::osa_distance;

/// The known name that a given one is a slip of: written in another way, with letters added, lost, changed or swapped, about
/// one of three.
pub(crate) fn meant<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    if given.len() > GIVEN_BYTES_MAX || given.starts_with('_') {
        return None; // clients mark what is their own so
    }
    let given = folded(given);
    let near = known.iter().filter_map(|known| {
        let folded = folded(known);
        let distance = osa_distance(&given, &folded);
        let is_plural = given.strip_suffix('s') == Some(&folded);
        (is_plural || distance <= folded.chars().count() / 3).then_some((distance, *known))
    });
    near.min().map(|(_, known)| known)
}

/// Without what people write differently.
fn folded(name: &str) -> String {
    name.chars().filter(|it| !matches!(it, '_' | '-' | ' ' | '.')).flat_map(char::to_lowercase).collect()
}

/// A longer one is no slip.
const GIVEN_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_near_and_what_clients_add_is_far() {
        let known = ["id", "limit", "offset", "query", "source"];
        for (given, wanted) in [
            ("lmit", "limit"),
            ("Limit", "limit"),
            ("limits", "limit"),
            ("off_set", "offset"),
            ("ofset", "offset"),
            ("qurey", "query"),
            ("sources", "source"),
            ("ID", "id"),
            ("ids", "id"),
        ] {
            assert_eq!(meant(given, &known), Some(wanted), "{given}");
        }
        for given in [
            "toolCallId",
            "sessionId",
            "_sessionID",
            "action",
            "chatInput",
            "_meta",
            "reason",
            "x",
            "",
            "requestState",
            "_id",
        ] {
            assert_eq!(meant(given, &known), None, "{given}");
        }
    }
}
