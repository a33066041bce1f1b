//! Capabilities by name (capabilities(7)), and back.
#![forbid(unsafe_code)]

/// Their names without `CAP_`, with blanks between; the place is the number (include/uapi/linux/capability.h, Linux 5.9 and later).
const NAMES: &str = "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE \
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT \
    SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL \
    SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE";

/// What is wrong with a list of capabilities, in words.
pub type Problem = String;

/// The bounding set and the ambient set as masks: bit n for capability n.
///
/// # Errors
/// Every problem of the two lists.
pub fn masks(bounding: Option<&[String]>, ambient: &[String]) -> Result<(Option<u64>, u64), Vec<Problem>> {
    let mut problems = Vec::new();
    let bounding = bounding.map(|names| mask(names, &mut problems));
    let ambient = mask(ambient, &mut problems);
    let outside = ambient & !bounding.unwrap_or(u64::MAX);
    if outside != 0 && problems.is_empty() {
        let names = names(outside);
        problems.push(format!("`bounding` leaves out {names}, which `ambient` asks for: add it to `bounding`"));
    }
    if problems.is_empty() { Ok((bounding, ambient)) } else { Err(problems) }
}

fn mask(names: &[String], problems: &mut Vec<Problem>) -> u64 {
    let mut mask = 0;
    for name in names {
        if let Some(number) = number(name) {
            mask |= 1 << number;
        } else {
            problems.push(unknown(name));
        }
    }
    mask
}

/// The number of the capability of this name: `NET_BIND_SERVICE`, `cap_net_bind_service`.
fn number(name: &str) -> Option<usize> {
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("CAP_").unwrap_or(&name);
    NAMES.split(' ').position(|known| known == name)
}

/// A mask as people read it: `CAP_SETUID and CAP_SETGID`; one that is newer than onset by its number.
pub fn names(mask: u64) -> String {
    let mut names = Vec::new();
    for number in (0..64).filter(|number| mask & 1 << number != 0) {
        names.push(match NAMES.split(' ').nth(number) {
            Some(name) => format!("CAP_{name}"),
            None => format!("CAP_{number}"),
        });
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

fn unknown(name: &str) -> Problem {
    let part = name.to_ascii_uppercase();
    let part = part.trim_start_matches("CAP_");
    let similar = |known: &&str| part.len() > 2 && (known.contains(part) || part.contains(*known));
    let (hint, known) = match NAMES.split(' ').find(similar) {
        Some(known) => ("; there is", known),
        None => (": accepted are the names of capabilities(7), such as", "NET_BIND_SERVICE"),
    };
    format!("there is no capability `{}`{hint} `{known}`", name.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn names_are_those_of_the_kernel() {
        let cases =
            [("CHOWN", 0), ("SETUID", 7), ("NET_BIND_SERVICE", 10), ("SYS_ADMIN", 21), ("CHECKPOINT_RESTORE", 40)];
        for (name, expected) in cases {
            let spellings = [name.to_owned(), format!("CAP_{name}"), name.to_lowercase(), format!("cap_{name}")];
            assert_eq!(spellings.map(|name| number(&name)), [Some(expected); 4], "{name}");
        }
        assert_eq!(["", "CAP_", "ALL", "NET", "CAP_CAP_CHOWN", "CHOWN ", "10"].map(number), [None; 7]);
    }

    #[test]
    fn lists_become_masks() {
        assert_eq!(masks(None, &[]), Ok((None, 0)));
        assert_eq!(masks(Some(&[]), &[]), Ok((Some(0), 0)));
        let both = masks(Some(&strings(&["chown", "CAP_NET_BIND_SERVICE"])), &strings(&["net_bind_service"]));
        assert_eq!(both, Ok((Some(1 << 10 | 1), 1 << 10)));
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let problems =
            masks(Some(&strings(&["net_bind", "x"])), &strings(&["CAP_CHOWNER"])).expect_err("three problems");
        let messages: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(
            messages,
            [
                "there is no capability `net_bind`; there is `NET_BIND_SERVICE`",
                "there is no capability `x`: accepted are the names of capabilities(7), such as `NET_BIND_SERVICE`",
                "there is no capability `CAP_CHOWNER`; there is `CHOWN`",
            ]
        );
        let problems = masks(Some(&strings(&["KILL"])), &strings(&["CHOWN", "KILL"])).expect_err("not in bounding");
        assert_eq!(
            problems.iter().map(Problem::to_string).collect::<String>(),
            "`bounding` leaves out CAP_CHOWN, which `ambient` asks for: add it to `bounding`"
        );
    }

    #[test]
    fn masks_are_shown_by_name() {
        assert_eq!(names(0), "");
        assert_eq!(names(1 << 7), "CAP_SETUID");
        assert_eq!(names(1 | 1 << 7 | 1 << 63), "CAP_CHOWN, CAP_SETUID and CAP_63");
    }
}
