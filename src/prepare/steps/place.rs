//! Where something is to be written, symbolic links followed.
//!
//! A configuration path that is a link into a volume is common, and what `cat > path` would write is what is meant: the
//! link stays, the file it leads to is replaced in its own folder. But as root only a link that root made is followed:
//! a link in a volume that the application may write could lead anywhere.

use super::Reason;
use super::error::Request;
use super::folder::{Folder, Folders};
use crate::sys::file::{self, Stat};
use nix::unistd::geteuid;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// How many links are followed, as in the kernel (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// A name in a folder, and what has it.
pub(super) struct Place {
    /// The folder.
    pub(super) folder: Rc<Folder>,
    /// The name.
    pub(super) name: OsString,
    /// Both, for messages.
    pub(super) path: PathBuf,
    /// What has the name; `None` if nothing has.
    pub(super) there: Option<Stat>,
}

impl Folders {
    /// The place a path names, its last component taken as it is. Missing folders are made.
    pub(super) fn place(&mut self, path: &Path) -> Result<Box<Place>, Reason> {
        let Some(name) = path.file_name() else {
            return Err(Reason::text(format!("`{}` ends with no name", path.display())));
        };
        let folder = self.open(path.parent().unwrap_or(Path::new("")))?;
        let there = folder.look(name).map_err(|error| Reason::system(error, Request::Read, path))?;
        Ok(Box::new(Place { folder, name: name.to_owned(), path: path.to_owned(), there }))
    }

    /// The place a path leads to.
    pub(super) fn follow(&mut self, path: &Path) -> Result<Box<Place>, Reason> {
        let mut place = self.place(path)?;
        for _ in 0..MOST_LINKS {
            let Some(link) = place.there.as_ref().filter(|stat| Kind::of(stat) == Kind::Link) else {
                return Ok(place);
            };
            let target = file::read_link(&place.folder, &place.name);
            let target = target.map_err(|error| Reason::system(error, Request::Read, &place.path).of(&place.path))?;
            if geteuid().is_root() && link.st_uid != 0 {
                return Err(Reason::text(format!(
                    "`{}` is a symbolic link to `{}` that user {} made, and root follows only its own",
                    place.path.display(),
                    Path::new(&target).display(),
                    link.st_uid
                )));
            }
            let path = place.folder.path().join(target);
            place = self.place(&path)?;
        }
        Err(Reason::text("too many levels of symbolic links".to_owned()))
    }
}

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Link,
    Fifo,
    Socket,
    Device,
}

impl Kind {
    pub(super) fn of(stat: &Stat) -> Kind {
        match stat.st_mode & libc::S_IFMT {
            libc::S_IFREG => Kind::File,
            libc::S_IFDIR => Kind::Directory,
            libc::S_IFLNK => Kind::Link,
            libc::S_IFIFO => Kind::Fifo,
            libc::S_IFSOCK => Kind::Socket,
            _ => Kind::Device,
        }
    }

    /// As in "there is ...".
    pub(super) fn words(self) -> &'static str {
        match self {
            Kind::File => "a file",
            Kind::Directory => "a directory",
            Kind::Link => "a symbolic link",
            Kind::Fifo => "a named pipe",
            Kind::Socket => "a socket",
            Kind::Device => "a device",
        }
    }
}
