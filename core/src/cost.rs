//! What a stage costs: its machines, its disks, what it stores elsewhere, and what it sends.
//!
//! Prices are generic: one price list of one public cloud, without its discounts and its free tiers. They are good for
//! comparing two architectures, not for a contract.

use serde::{Deserialize, Serialize};

use crate::component::{Kind, Settings};
use crate::hardware::Catalogue;
use crate::settings;
use crate::simulate::Simulation;
use crate::stage::{HOURS_A_MONTH, Placement, Stage};
use crate::units::Rate;
use crate::workload::Class;

settings! {
    /// Prices in US dollars.
    pub struct Prices {
        /// A gigabyte of disk for a month, beyond what a machine's own price holds.
        disk_gb_month: f64 = 0.08, 0.0..=100.0,
            "AWS EBS gp3, us-east-1 (AWS price list, 19 January 2026; see hardware.toml)";
        /// A gigabyte in an object store for a month.
        object_gb_month: f64 = 0.023, 0.0..=100.0,
            "AWS S3 Standard, first 50 TB a month, us-east-1 (as quoted at deepeshsoni.com/archives/256)";
        /// A thousand requests to an object store.
        object_requests_1000: f64 = 0.0004, 0.0..=100.0,
            "AWS S3 Standard, GET, us-east-1 (aws.amazon.com/s3/pricing; not checked against a dated price list)";
        /// A gigabyte sent to users.
        egress_gb: f64 = 0.09, 0.0..=100.0,
            "AWS data transfer out to the internet, first 10 TB a month, us-east-1 (egresscost.com/aws, 2026)";
        /// A gigabyte sent to users by a CDN.
        cdn_gb: f64 = 0.085, 0.0..=100.0,
            "AWS CloudFront, first 10 TB a month, North America and Europe (egresscost.com/aws, 2026)";
        /// A gigabyte sent from one region to another.
        region_gb: f64 = 0.02, 0.0..=100.0,
            "AWS data transfer between regions (cloud-cost-557.pages.dev, June 2026)";
    }
}

/// Gigabytes are counted as 10^9 bytes.
const GB: f64 = 1e9;

/// What the prices apply to: means over an hour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Requests of users a second.
    pub requests_per_s: f64,
    /// Copies of each component that are switched on.
    pub copies_on: Vec<f64>,
    /// Bytes a second that cross each link, there and back.
    pub link_bytes_per_s: Vec<[f64; 2]>,
    /// Requests a second to object stores.
    pub object_requests_per_s: f64,
    /// Bytes that lie in object stores.
    pub object_bytes: f64,
}

impl Load {
    /// Every machine on, and the workload's own rate with every answer sent by whoever the users are linked to: what a
    /// plan can say without a run. Where the users have several ways, they share them evenly.
    pub fn planned(stage: &Stage) -> Self {
        let kind = |component: usize| stage.components[component].settings.kind();
        let weight: f64 = stage.components.iter().map(|it| weight(&it.settings)).sum();
        let mut link_bytes_per_s = vec![[0.0; 2]; stage.links.len()];
        for class in Class::ALL {
            let rate = stage.workload.rate.per_s() * stage.workload.mix.get(class);
            for (index, link) in stage.links.iter().enumerate() {
                let users = weight_of(stage, link.from) / weight.max(f64::MIN_POSITIVE);
                let takes = |other: &crate::stage::Link| {
                    other.from == link.from && other.carries(class) && kind(other.to) != Kind::Dns
                };
                if users <= 0.0 || !takes(link) {
                    continue;
                }
                // Files come from the edge where there is one.
                let at_edge = |to: usize| matches!(kind(to), Kind::Cdn | Kind::ObjectStore);
                let ways: Vec<usize> = stage.links.iter().filter(|other| takes(other)).map(|other| other.to).collect();
                let fit = |to: &usize| at_edge(*to) == (class == Class::Static);
                let fitting = ways.iter().filter(|to| fit(to)).count();
                let (count, mine) = if fitting > 0 { (fitting, fit(&link.to)) } else { (ways.len(), true) };
                if mine {
                    let share = users * rate / count as f64;
                    link_bytes_per_s[index][0] += share * stage.workload.request_size.get(class).0 as f64;
                    link_bytes_per_s[index][1] += share * stage.workload.response_size.get(class).0 as f64;
                }
            }
        }
        Self {
            requests_per_s: stage.workload.rate.per_s(),
            copies_on: stage.components.iter().map(|component| f64::from(component.copies)).collect(),
            link_bytes_per_s,
            object_requests_per_s: 0.0,
            object_bytes: 0.0,
        }
    }

    /// What a run has done so far: what it has sent, and which of its machines were on.
    pub fn of_run(run: &Simulation) -> Self {
        let stage = run.stage();
        let seconds = run.now() as f64 / 1e9;
        let mut load = Self { link_bytes_per_s: vec![[0.0; 2]; stage.links.len()], ..Self::default() };
        if seconds <= 0.0 {
            return Self::planned(stage);
        }
        load.requests_per_s = run.counts().arrived as f64 / seconds;
        load.copies_on = vec![0.0; stage.components.len()];
        for (index, node) in run.nodes().enumerate() {
            load.copies_on[node.component] += 1.0 - run.off_s(index) / seconds;
            if stage.components[node.component].settings.kind() == Kind::ObjectStore {
                for metric in run.metrics(index) {
                    match metric.name {
                        "reads" | "writes" => load.object_requests_per_s += metric.reading.number() / seconds,
                        "stored" => load.object_bytes += metric.reading.number(),
                        _ => {}
                    }
                }
            }
        }
        for (index, edge) in run.edges().iter().enumerate() {
            let sent = run.sent_bytes(index);
            let link = &mut load.link_bytes_per_s[usize::from(edge.link)];
            link[0] += sent[0] / seconds;
            link[1] += sent[1] / seconds;
        }
        load
    }
}

fn weight(settings: &Settings) -> f64 {
    match settings {
        Settings::Clients(clients) => clients.share,
        _ => 0.0,
    }
}

fn weight_of(stage: &Stage, component: usize) -> f64 {
    stage.components.get(component).map_or(0.0, |component| weight(&component.settings))
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// What it is for: a component's or a machine's name, or what is sent.
    pub name: String,
    /// What of it.
    pub what: What,
    /// US dollars an hour.
    pub per_hour: f64,
}

/// What a line of a bill is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// Machines.
    Machines,
    /// Disk beyond the size's own.
    Disk,
    /// Objects stored, and requests for them.
    Objects,
    /// Bytes sent to users.
    Egress,
    /// Bytes sent to users by a CDN.
    Cdn,
    /// Bytes sent to another region.
    Region,
}

/// A bill.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    /// Its lines; none that is nothing.
    pub items: Vec<Item>,
    /// Requests an hour that it is for.
    pub requests_per_hour: f64,
}

impl Bill {
    /// US dollars an hour.
    pub fn per_hour(&self) -> f64 {
        self.items.iter().map(|item| item.per_hour).sum()
    }

    /// US dollars a month of 730 hours like this one.
    pub fn per_month(&self) -> f64 {
        self.per_hour() * HOURS_A_MONTH
    }

    /// US dollars for a million requests; none without requests.
    pub fn per_million(&self) -> Option<f64> {
        (self.requests_per_hour > 0.0).then(|| self.per_hour() / self.requests_per_hour * 1e6)
    }

    /// US dollars an hour of one kind of line.
    pub fn per_hour_of(&self, what: What) -> f64 {
        self.items.iter().filter(|item| item.what == what).map(|item| item.per_hour).sum()
    }

    fn add(&mut self, name: &str, what: What, per_hour: f64) {
        if per_hour > 0.0 {
            self.items.push(Item { name: name.to_owned(), what, per_hour });
        }
    }
}

/// What an hour of a stage costs under a load. The catalogue says how much disk a size's own price holds; disk beyond it
/// is paid by the gigabyte.
pub fn bill(stage: &Stage, load: &Load, prices: &Prices, catalogue: &Catalogue) -> Bill {
    let mut bill = Bill { requests_per_hour: load.requests_per_s * 3600.0, ..Bill::default() };
    machines(stage, load, &mut bill);
    disks(stage, load, prices, catalogue, &mut bill);
    traffic(stage, load, prices, &mut bill);
    let objects = load.object_bytes / GB * prices.object_gb_month / HOURS_A_MONTH
        + load.object_requests_per_s * 3.6 * prices.object_requests_1000;
    bill.add("objects", What::Objects, objects);
    bill
}

/// How a stage's bill follows its load, every machine on: what stands is paid at any load, what is sent by the request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tariff {
    /// US dollars an hour for machines.
    pub machines_per_hour: f64,
    /// US dollars an hour for disk beyond the machines' own.
    pub disk_per_hour: f64,
    /// US dollars for what a million requests have sent: to users, by a CDN, from region to region.
    pub traffic_per_million: f64,
}

impl Tariff {
    /// That of a stage.
    pub fn of(stage: &Stage, prices: &Prices, catalogue: &Catalogue) -> Self {
        let mut stage = stage.clone();
        stage.workload.rate = Rate::per_second(1.0);
        let bill = bill(&stage, &Load::planned(&stage), prices, catalogue);
        let traffic = bill.per_hour_of(What::Egress) + bill.per_hour_of(What::Cdn) + bill.per_hour_of(What::Region);
        Self {
            machines_per_hour: bill.per_hour_of(What::Machines),
            disk_per_hour: bill.per_hour_of(What::Disk),
            traffic_per_million: traffic / 3600.0 * 1e6,
        }
    }

    /// US dollars for a million requests, at so many a second.
    pub fn per_million(&self, per_s: f64) -> f64 {
        (self.machines_per_hour + self.disk_per_hour) / (3600.0 * per_s) * 1e6 + self.traffic_per_million
    }

    /// US dollars a month of 730 hours at so many requests a second: for machines, disk and traffic.
    pub fn per_month(&self, per_s: f64) -> [f64; 3] {
        [self.machines_per_hour, self.disk_per_hour, self.traffic_per_million * per_s * 3600.0 / 1e6]
            .map(|per_hour| per_hour * HOURS_A_MONTH)
    }
}

/// US dollars a month for a stage's machines, all of them on: what a challenge's budget is about.
pub fn machines_per_month(stage: &Stage) -> f64 {
    let mut bill = Bill::default();
    machines(stage, &Load::planned(stage), &mut bill);
    bill.per_month()
}

fn copies_on(load: &Load, component: usize) -> f64 {
    load.copies_on.get(component).copied().unwrap_or(0.0)
}

fn machines(stage: &Stage, load: &Load, bill: &mut Bill) {
    for named in &stage.machines {
        bill.add(&named.id, What::Machines, named.machine.price_per_hour);
    }
    for (index, component) in stage.components.iter().enumerate() {
        if let Some(Placement::Own { machine, .. }) = &component.machine {
            bill.add(&component.id, What::Machines, machine.price_per_hour * copies_on(load, index));
        }
    }
}

fn disks(stage: &Stage, load: &Load, prices: &Prices, catalogue: &Catalogue, bill: &mut Bill) {
    let extra_gb = |size: &Option<String>, disk: u64| {
        let held = size.as_ref().and_then(|id| catalogue.get(id)).map_or(disk, |size| size.machine.disk.0);
        disk.saturating_sub(held) as f64 / GB
    };
    let per_gb_hour = prices.disk_gb_month / HOURS_A_MONTH;
    for named in &stage.machines {
        bill.add(&named.id, What::Disk, extra_gb(&named.size, named.machine.disk.0) * per_gb_hour);
    }
    for (index, component) in stage.components.iter().enumerate() {
        if let Some(Placement::Own { size, machine }) = &component.machine {
            let gb = extra_gb(size, machine.disk.0) * copies_on(load, index);
            bill.add(&component.id, What::Disk, gb * per_gb_hour);
        }
    }
}

fn traffic(stage: &Stage, load: &Load, prices: &Prices, bill: &mut Bill) {
    for (link, bytes_per_s) in stage.links.iter().zip(&load.link_bytes_per_s) {
        let (from, to) = (&stage.components[link.from], &stage.components[link.to]);
        let gb_per_hour = |bytes_per_s: f64| bytes_per_s * 3600.0 / GB;
        let region = |component: &crate::stage::Component| component.region.unwrap_or(0);
        match (from.settings.kind(), to.settings.kind()) {
            (_, Kind::Dns) => {}
            // What users send costs nothing; what they get is paid by who sends it.
            (Kind::Clients, Kind::Cdn) => bill.add(&to.id, What::Cdn, gb_per_hour(bytes_per_s[1]) * prices.cdn_gb),
            (Kind::Clients, _) => bill.add(&to.id, What::Egress, gb_per_hour(bytes_per_s[1]) * prices.egress_gb),
            _ if region(from) != region(to) => {
                let gb = gb_per_hour(bytes_per_s[0] + bytes_per_s[1]);
                bill.add(&format!("{} to {}", from.id, to.id), What::Region, gb * prices.region_gb);
            }
            _ => {}
        }
    }
}
