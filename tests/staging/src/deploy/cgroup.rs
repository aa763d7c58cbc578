//! A control group of our own: where it can be, what it limits, how it goes away.
//!
//! Version 1 (kernel documentation: admin-guide/cgroup-v1, scheduler/sched-bwc) has a hierarchy of folders for each
//! controller; we need `cpu` for the quota and `cpuacct` for the time used. Version 2 (admin-guide/cgroup-v2) has one
//! folder for both, and its parent must hand the controller down.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use thiserror::Error;

use super::CpuLimit;

const NAME_PREFIX: &str = "hockeystick-";

/// Why there is no control group. A deployment goes on without one, and tells.
#[derive(Debug, Error)]
pub(super) enum GroupError {
    #[error("this system has no cgroup hierarchy with a cpu controller")]
    NoController,
    #[error("cannot make {path}: {source}; run as root, or under `systemd-run --user --scope -p Delegate=yes`")]
    Create { path: PathBuf, source: io::Error },
    #[error(
        "{0} has no cpu controller, for its parent hands none down; run as root, or under `systemd-run --user --scope -p Delegate=yes`"
    )]
    NotHandedDown(PathBuf),
    #[error("cannot write {value} to {path}: {source}")]
    Write { path: PathBuf, value: String, source: io::Error },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// Where control groups of ours may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Site {
    version: Version,
    cpu: PathBuf,
    /// The same folder as `cpu` in version 2, and in version 1 where both controllers share a hierarchy.
    cpuacct: PathBuf,
}

/// A control group that is removed when this is dropped.
#[derive(Debug)]
pub(super) struct ControlGroup {
    version: Version,
    cpu: PathBuf,
    cpuacct: PathBuf,
}

impl ControlGroup {
    /// Makes a group with the quota that `limit` asks for, at the first site that lets us.
    pub(super) fn create(limit: &CpuLimit) -> Result<Self, GroupError> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let memberships = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mut obstacle = GroupError::NoController;
        for site in sites(&mounts, &memberships) {
            remove_stale_groups(&site);
            match Self::create_at(&site, limit) {
                Ok(group) => return Ok(group),
                Err(error) => obstacle = error,
            }
        }
        Err(obstacle)
    }

    fn create_at(site: &Site, limit: &CpuLimit) -> Result<Self, GroupError> {
        static SEQUENCE: AtomicU32 = AtomicU32::new(0);
        let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed);
        let name = format!("{NAME_PREFIX}{}-{sequence}", std::process::id());
        if site.version == Version::V2 {
            // May be on already, or not ours to turn on, or refused because the folder has processes; see below.
            drop(fs::write(site.cpu.join("cgroup.subtree_control"), "+cpu"));
        }
        // From here on, dropping it removes what has been made.
        let group = Self { version: site.version, cpu: site.cpu.join(&name), cpuacct: site.cpuacct.join(&name) };
        for folder in group.folders() {
            fs::create_dir(folder).map_err(|source| GroupError::Create { path: folder.to_path_buf(), source })?;
        }
        // Every group with the controller has this file (admin-guide/cgroup-v2, "CPU Interface Files"), with a quota or without.
        if site.version == Version::V2 && !group.cpu.join("cpu.max").exists() {
            return Err(GroupError::NotHandedDown(group.cpu.clone()));
        }
        group.set_quota(limit)?;
        group.take_precedence();
        Ok(group)
    }

    fn set_quota(&self, limit: &CpuLimit) -> Result<(), GroupError> {
        let Some(quota) = limit.quota() else {
            return Ok(());
        };
        let (quota_us, period_us) = (quota.as_micros(), limit.period.as_micros());
        match self.version {
            Version::V1 => {
                write(&self.cpu.join("cpu.cfs_period_us"), period_us.to_string())?;
                write(&self.cpu.join("cpu.cfs_quota_us"), quota_us.to_string())
            }
            Version::V2 => write(&self.cpu.join("cpu.max"), format!("{quota_us} {period_us}")),
        }
    }

    /// Other programs that want the same core wait: they are no part of the deployment, and no model of it can know when
    /// they come. Both values are the largest that the kernel takes. Without them the deployment is only noisier.
    fn take_precedence(&self) {
        let (file, weight) = match self.version {
            Version::V1 => ("cpu.shares", "262144"),
            Version::V2 => ("cpu.weight", "10000"),
        };
        drop(fs::write(self.cpu.join(file), weight));
    }

    #[cfg(test)]
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { version: Version::V2, cpu: folder.to_path_buf(), cpuacct: folder.to_path_buf() }
    }

    /// Every folder of the group; a process joins all of them.
    pub(super) fn folders(&self) -> BTreeSet<&Path> {
        BTreeSet::from([self.cpu.as_path(), self.cpuacct.as_path()])
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// The folder that counts CPU time.
    pub(super) fn accounting_folder(&self) -> &Path {
        &self.cpuacct
    }

    /// The folder that limits CPU time, and counts how long it withheld some.
    pub(super) fn quota_folder(&self) -> &Path {
        &self.cpu
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        for folder in self.folders() {
            // The guard usually was here first. What is left over, the next deployment removes.
            drop(fs::remove_dir(folder));
        }
    }
}

fn write(path: &Path, value: String) -> Result<(), GroupError> {
    fs::write(path, &value).map_err(|source| GroupError::Write { path: path.to_path_buf(), value, source })
}

/// Removes empty groups of deployments whose process and guard were both killed.
fn remove_stale_groups(site: &Site) {
    for folder in [&site.cpu, &site.cpuacct] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let owner =
                name.to_str().and_then(|name| name.strip_prefix(NAME_PREFIX)).and_then(|name| name.split('-').next());
            let owner_is_gone = owner
                .filter(|owner| owner.bytes().all(|byte| byte.is_ascii_digit()))
                .is_some_and(|owner| !Path::new("/proc").join(owner).exists());
            if owner_is_gone {
                // Fails where processes are left in it, as it should.
                drop(fs::remove_dir(entry.path()));
            }
        }
    }
}

/// A mounted hierarchy.
#[derive(Debug)]
struct Mount<'a> {
    /// The part of the hierarchy that is mounted, and where.
    root: &'a str,
    point: PathBuf,
    is_v2: bool,
    options: &'a str,
}

/// Candidate sites, the best first: below our own group, then at the top of the hierarchy.
fn sites(mountinfo: &str, memberships: &str) -> Vec<Site> {
    let mounts: Vec<Mount<'_>> = mountinfo.lines().filter_map(parse_mount).collect();
    let v1_mount = |controller: &str| {
        mounts.iter().find(|mount| !mount.is_v2 && mount.options.split(',').any(|option| option == controller))
    };
    if let (Some(cpu), Some(cpuacct)) = (v1_mount("cpu"), v1_mount("cpuacct")) {
        let own = |mount: &Mount<'_>, controller| own_folder(mount, membership(memberships, controller));
        let below_own = Site { version: Version::V1, cpu: own(cpu, "cpu"), cpuacct: own(cpuacct, "cpuacct") };
        let top = Site { version: Version::V1, cpu: cpu.point.clone(), cpuacct: cpuacct.point.clone() };
        return without_repeats(vec![below_own, top]);
    }
    let Some(mount) = mounts.iter().find(|mount| mount.is_v2) else {
        return Vec::new();
    };
    let v2_site = |folder: PathBuf| Site { version: Version::V2, cpu: folder.clone(), cpuacct: folder };
    // A v2 group that has processes cannot hand controllers to groups below it, its parent can: hence the sibling.
    let own = own_folder(mount, membership(memberships, ""));
    let sibling = own.parent().filter(|parent| parent.starts_with(&mount.point)).map(Path::to_path_buf);
    let folders = [Some(own), sibling, Some(mount.point.clone())];
    without_repeats(folders.into_iter().flatten().map(v2_site).collect())
}

fn without_repeats(sites: Vec<Site>) -> Vec<Site> {
    let mut unique = Vec::with_capacity(sites.len());
    for site in sites {
        if !unique.contains(&site) {
            unique.push(site);
        }
    }
    unique
}

/// One line of /proc/PID/mountinfo (man 5 proc): `id parent major:minor root point options [tags] - type source options`.
fn parse_mount(line: &str) -> Option<Mount<'_>> {
    let (mount, filesystem) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(3);
    let (root, point) = (mount.next()?, mount.next()?);
    let mut filesystem = filesystem.split(' ');
    let (kind, _, options) = (filesystem.next()?, filesystem.next()?, filesystem.next()?);
    let is_v2 = kind == "cgroup2";
    (is_v2 || kind == "cgroup").then(|| Mount { root, point: PathBuf::from(point), is_v2, options })
}

/// Our group's path in the hierarchy of `controller`, from lines such as `4:cpu,cpuacct:/user` or `0::/user` (v2).
fn membership<'a>(memberships: &'a str, controller: &str) -> &'a str {
    let path = memberships.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        controllers.split(',').any(|name| name == controller).then_some(path)
    });
    path.unwrap_or("/")
}

/// Our group's folder; the mount's own folder where our group is outside of it (a container's view).
fn own_folder(mount: &Mount<'_>, path: &str) -> PathBuf {
    let inside = Path::new(path).strip_prefix(mount.root).unwrap_or(Path::new(""));
    let folder = mount.point.join(inside);
    if folder.is_dir() { folder } else { mount.point.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separate_v1_hierarchies_are_found_by_their_controllers() {
        let mounts = "30 29 0:26 / /nowhere/cpu rw,relatime - cgroup cgroup rw,cpu\n\
                      31 29 0:27 / /nowhere/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n\
                      39 29 0:35 / /nowhere/unified rw - cgroup2 cgroup2 rw\n";
        let found = sites(mounts, "2:cpuacct:/\n1:cpu:/\n0::/\n");
        let top = Site { version: Version::V1, cpu: "/nowhere/cpu".into(), cpuacct: "/nowhere/cpuacct".into() };
        assert_eq!(found, [top]);
    }

    #[test]
    fn joint_v1_controllers_share_a_folder() {
        let mounts = "30 29 0:26 / /nowhere/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n";
        let found = sites(mounts, "4:cpu,cpuacct:/user.slice\n");
        assert_eq!(found[0].cpu, found[0].cpuacct);
    }

    #[test]
    fn a_v2_group_is_made_below_our_own_or_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join("user.slice/session.scope");
        fs::create_dir_all(&own).unwrap();
        let mounts = format!("30 29 0:26 / {} rw - cgroup2 cgroup2 rw,nsdelegate\n", root.path().display());
        let found = sites(&mounts, "0::/user.slice/session.scope\n");
        let folders: Vec<_> = found.iter().map(|site| site.cpu.clone()).collect();
        assert_eq!(folders, [own.clone(), own.parent().unwrap().to_path_buf(), root.path().to_path_buf()]);
        assert!(found.iter().all(|site| site.version == Version::V2));
    }

    #[test]
    fn a_machine_without_cgroups_has_no_site() {
        assert_eq!(sites("22 1 0:20 / / rw - ext4 /dev/vda rw\n", ""), []);
    }

    #[test]
    fn a_v2_folder_that_got_no_cpu_controller_is_no_site_even_without_a_quota() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().to_path_buf();
        let site = Site { version: Version::V2, cpu: folder.clone(), cpuacct: folder };
        let error = ControlGroup::create_at(&site, &CpuLimit::default()).unwrap_err().to_string();
        assert!(error.contains("cpu controller"), "{error}");
        let left = fs::read_dir(root.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn a_v2_quota_is_written_as_quota_and_period() {
        let root = tempfile::tempdir().unwrap();
        let limit = CpuLimit { quota_cpus: Some(0.25), ..CpuLimit::default() };
        let group = ControlGroup::in_folder(root.path());
        group.set_quota(&limit).unwrap();
        assert_eq!(fs::read_to_string(group.quota_folder().join("cpu.max")).unwrap(), "25000 100000");
    }
}
