//! Ctrl-Z, `fg` and `bg`: onset stands between a shell and its job, and must not be noticed.
//!
//! The main process is the terminal's foreground group; Ctrl-Z stops it and not onset, for which the shell waits. So
//! onset stops too, and hands the terminal over again when the shell lets it go on. A bare PID 1 cannot be stopped
//! from its own terminal at all, and there is no shell to let it go on: then the main process goes on at once.

use crate::report::Event;
use crate::sys::signal::{self, Signal};
use crate::sys::terminal::Terminal;
use nix::unistd::{Pid, getpgrp};

/// The main process was stopped by `with`. Returns whether onset stopped too; then the SIGCONT that ended that waits.
pub fn follow_stop(main: Pid, with: Signal) -> bool {
    let Some(terminal) = Terminal::controlling() else { return false };
    if with == Signal::STOP {
        // In the foreground it is a shell's `suspend`. Elsewhere somebody means the main process alone, and may let it go
        // on behind our back. Ctrl-Z's signal stands for it, which stops nobody whom no shell could let go on.
        return terminal.foreground() == Some(main) && signal::stop_own_group(Signal::TSTP);
    }
    let wants_terminal = [Signal::TTIN, Signal::TTOU].contains(&with);
    if wants_terminal && terminal.foreground() == Some(getpgrp()) {
        // A job that was started in the background; by now `fg` has given the terminal to onset.
        resume(main);
        return false;
    }
    // The key would have stopped a script that runs onset as well, for which the shell waits.
    let stopped = signal::stop_own_group(with);
    if !stopped && !wants_terminal {
        resume(main);
    }
    // Who wants a terminal that onset cannot give would only be stopped again, without end.
    stopped
}

/// Lets the main process's group go on, in the foreground if onset is there.
pub fn resume(main: Pid) {
    if let Some(terminal) = Terminal::controlling()
        && terminal.foreground() == Some(getpgrp())
    {
        hand_over(&terminal, main);
    }
    let _: nix::Result<()> = signal::resume_group(main);
}

/// Takes the terminal back from a main process that has ended, for the script that started onset.
pub fn take_back(main: Pid) {
    if let Some(terminal) = Terminal::controlling()
        && terminal.foreground() == Some(main)
    {
        let _: nix::Result<()> = terminal.set_foreground(getpgrp());
    }
}

fn hand_over(terminal: &Terminal, group: Pid) {
    if let Err(error) = terminal.set_foreground(group) {
        Event::TerminalNotHandedOver { error }.emit();
    }
}
