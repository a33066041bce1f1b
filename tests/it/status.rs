//! The exit status says how the main process ended, and so does its `main_ended` event.

use serde_json::Value;

use crate::both_modes;
use crate::support::{Folder, Init, Mode, Running};

both_modes!(every_exit_code_is_passed_on, |mode| {
    for batch in (0..=255).collect::<Vec<i32>>().chunks(16) {
        let running: Vec<(i32, Running)> =
            batch.iter().map(|&code| (code, Init::new(mode).probe(["exit", &code.to_string()]).start())).collect();
        for (code, init) in running {
            let finished = init.finish();
            assert_eq!(finished.code(), code, "{}", finished.story());
            let ended = finished.event("main_ended");
            assert_eq!(ended["exit_code"], code);
            assert_eq!(ended["status"], code);
            assert_eq!(ended["signal"], Value::Null);
            assert_eq!(ended["level"], if code == 0 { "info" } else { "error" });
        }
    }
});
