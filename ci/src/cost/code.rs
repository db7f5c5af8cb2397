//! Reads what `nm` and `objdump -d` print. Starts neither.

/// Where a symbol is.
pub(crate) fn address<'a>(symbols: &'a str, name: &str) -> Option<&'a str> {
    symbols.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next()?;
        (words.nth(1)? == name).then_some(address)
    })
}

/// A function's instructions without what only says where they lie: their own addresses, and the addresses of what they
/// name (the name stays; the function itself is called SELF; padding at the end is dropped).
pub(crate) fn instructions(listing: &str, name: &str) -> Vec<String> {
    let head = format!("<{name}>:");
    let body = listing.lines().skip_while(|line| !line.ends_with(&head)).skip(1);
    let mut found: Vec<String> = body
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(":\t"))
        .map(|(_, instruction)| placeless(instruction, name))
        .collect();
    while found.last().is_some_and(|last| PADDING.iter().any(|padding| last.starts_with(padding))) {
        found.pop();
    }
    found
}

/// Whether all that these instructions do is to jump to `name`.
pub(crate) fn only_jumps_to(instructions: &[String], name: &str) -> bool {
    let target = format!("<{name}>");
    match instructions.split_last() {
        Some((last, frame)) => {
            last.starts_with("jmp ") && last.ends_with(&target) && frame.iter().all(|one| FRAME.contains(&one.as_str()))
        }
        None => false,
    }
}

/// `lea 0x2fa5(%rip),%rax  # 4000 <x>` becomes `lea (%rip),%rax # <x>`, and `jmp 1139 <f+0x9>` becomes `jmp <SELF+0x9>`.
fn placeless(instruction: &str, own: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in instruction.split_whitespace() {
        if word.starts_with('<') {
            let is_address = |last: &String| !last.is_empty() && last.chars().all(|c| c.is_ascii_hexdigit());
            if words.len() > 1 && words.last().is_some_and(is_address) {
                words.pop();
            }
            words.push(word.replace(&format!("<{own}>"), "<SELF>").replace(&format!("<{own}+"), "<SELF+"));
        } else {
            words.push(match word.split_once("(%rip)") {
                Some((before, after)) => {
                    format!("{}(%rip){after}", before.trim_end_matches(|c: char| c.is_alphanumeric()))
                }
                None => word.to_owned(),
            });
        }
    }
    words.join(" ")
}

const PADDING: [&str; 4] = ["nop", "int3", "cs nop", "data16"];
/// A frame that is set up and torn down again around the jump.
const FRAME: [&str; 4] = ["push %rbp", "mov %rsp,%rbp", "pop %rbp", "endbr64"];

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "
0000000000001130 <bare>:
    1130:\tpush   %rbp
    1131:\tlea    0x2fa5(%rip),%rax        # 40dd <TABLE>
    1138:\tjne    1131 <bare+0x1>
    113a:\tcall   2000 <work>
    113f:\tret

0000000000001150 <instrumented>:
    1150:\tpush   %rbp
    1151:\tlea    0x2f85(%rip),%rax        # 40dd <TABLE>
    1158:\tjne    1151 <instrumented+0x1>
    115a:\tcall   2000 <work>
    115f:\tret
    1160:\tnopl   0x0(%rax)

0000000000001170 <thunk>:
    1170:\tpush   %rbp
    1171:\tmov    %rsp,%rbp
    1174:\tpop    %rbp
    1175:\tjmp    1130 <bare>
";

    #[test]
    fn the_same_code_at_two_places_is_the_same() {
        let bare = instructions(LISTING, "bare");
        assert_eq!(bare.len(), 5);
        assert_eq!(bare[1], "lea (%rip),%rax # <TABLE>");
        assert_eq!(bare[2], "jne <SELF+0x1>");
        assert_eq!(bare, instructions(LISTING, "instrumented"));
    }

    #[test]
    fn another_call_is_a_difference() {
        let other = LISTING.replacen("<work>", "<count>", 1);
        assert_ne!(instructions(&other, "bare"), instructions(&other, "instrumented"));
    }

    #[test]
    fn a_function_that_only_jumps_is_the_other_one() {
        assert!(only_jumps_to(&instructions(LISTING, "thunk"), "bare"));
        assert!(!only_jumps_to(&instructions(LISTING, "bare"), "work") && !only_jumps_to(&[], "bare"));
    }

    #[test]
    fn an_address_is_that_of_the_whole_name() {
        let symbols = "0000000000001130 T bare_metal\n0000000000001140 T bare\n                 U call\n";
        assert_eq!(address(symbols, "bare"), Some("0000000000001140"));
        assert_eq!(address(symbols, "instrumented"), None);
    }
}
