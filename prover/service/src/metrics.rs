//! Figures for Prometheus, in its text format.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use crate::store::Depth;

/// Upper bounds of the buckets of times, in milliseconds.
const BUCKETS_MS: [f64; 12] = [5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 1e4, 6e4, 6e5];

#[derive(Clone, Debug, Default)]
struct Histogram {
    buckets: [u64; BUCKETS_MS.len()],
    count: u64,
    sum: f64,
}

#[derive(Debug, Default)]
struct Figures {
    /// By kind and by code or state.
    ended: BTreeMap<(&'static str, String), u64>,
    /// By stage.
    stages: BTreeMap<String, Histogram>,
    /// By method, route and status.
    requests: BTreeMap<(String, String, u16), u64>,
    keys_loaded: u64,
    keys_kept: u64,
    children_ended: u64,
    /// By what came of it.
    webhooks: BTreeMap<&'static str, u64>,
}

/// Counts since the server began.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Figures>);

impl Metrics {
    fn with(&self, count: impl FnOnce(&mut Figures)) {
        count(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn ended(&self, kind: &'static str, how: &str) {
        self.with(|figures| *figures.ended.entry((kind, how.to_owned())).or_default() += 1);
    }

    pub(crate) fn stage(&self, stage: &str, ms: f64) {
        self.with(|figures| {
            let histogram = figures.stages.entry(stage.to_owned()).or_default();
            histogram.count += 1;
            histogram.sum += ms;
            for (bucket, bound) in histogram.buckets.iter_mut().zip(BUCKETS_MS) {
                *bucket += u64::from(ms <= bound);
            }
        });
    }

    pub(crate) fn request(&self, method: &str, route: &str, status: u16) {
        let key = (method.to_owned(), route.to_owned(), status);
        self.with(|figures| *figures.requests.entry(key).or_default() += 1);
    }

    pub(crate) fn keys(&self, loaded: bool) {
        self.with(|figures| if loaded { figures.keys_loaded += 1 } else { figures.keys_kept += 1 });
    }

    pub(crate) fn webhook(&self, how: &'static str) {
        self.with(|figures| *figures.webhooks.entry(how).or_default() += 1);
    }

    pub(crate) fn child_ended(&self) {
        self.with(|figures| figures.children_ended += 1);
    }

    /// All figures, with those of the queue.
    pub fn render(&self, depths: &[Depth], now_ms: i64) -> String {
        let figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, lines: Vec<(String, f64)>| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in lines {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let by_lane = |value: fn(&Depth, i64) -> f64| {
            depths.iter().map(|depth| (format!("{{lane=\"{}\"}}", depth.lane), value(depth, now_ms))).collect()
        };
        family("apodict_jobs_queued", "gauge", "Jobs that wait.", by_lane(|depth, _| depth.queued as f64));
        family("apodict_jobs_running", "gauge", "Jobs that run.", by_lane(|depth, _| depth.running as f64));
        let age =
            |depth: &Depth, now_ms: i64| depth.oldest_ms.map_or(0.0, |oldest| (now_ms - oldest).max(0) as f64 / 1e3);
        family("apodict_oldest_job_seconds", "gauge", "Age of the oldest job that waits.", by_lane(age));
        let ended = figures.ended.iter();
        let ended = ended.map(|((kind, how), count)| (format!("{{kind=\"{kind}\",how=\"{how}\"}}"), *count as f64));
        family("apodict_jobs_ended_total", "counter", "Jobs that ended, by state or error code.", ended.collect());
        let requests = figures.requests.iter().map(|((method, route, status), count)| {
            (format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}"), *count as f64)
        });
        family("apodict_http_requests_total", "counter", "Requests answered.", requests.collect());
        let keys = [("kept", figures.keys_kept), ("loaded", figures.keys_loaded)];
        let keys = keys.map(|(how, count)| (format!("{{how=\"{how}\"}}"), count as f64));
        family("apodict_keys_total", "counter", "Jobs by whether a warm process had their key.", keys.into());
        let webhooks = figures.webhooks.iter().map(|(how, count)| (format!("{{how=\"{how}\"}}"), *count as f64));
        family("apodict_webhooks_total", "counter", "Attempts to send webhooks.", webhooks.collect());
        let ended = vec![(String::new(), figures.children_ended as f64)];
        family("apodict_children_ended_total", "counter", "Child processes that ended unasked.", ended);
        let _ =
            writeln!(text, "# HELP apodict_stage_ms Milliseconds of each stage.\n# TYPE apodict_stage_ms histogram");
        for (stage, histogram) in &figures.stages {
            for (bucket, bound) in histogram.buckets.iter().zip(BUCKETS_MS) {
                let _ = writeln!(text, "apodict_stage_ms_bucket{{stage=\"{stage}\",le=\"{bound}\"}} {bucket}");
            }
            let Histogram { count, sum, .. } = histogram;
            let _ = writeln!(text, "apodict_stage_ms_bucket{{stage=\"{stage}\",le=\"+Inf\"}} {count}");
            let _ = writeln!(text, "apodict_stage_ms_sum{{stage=\"{stage}\"}} {sum}");
            let _ = writeln!(text, "apodict_stage_ms_count{{stage=\"{stage}\"}} {count}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Lane;

    #[test]
    fn renders_what_was_counted() {
        let metrics = Metrics::default();
        metrics.ended("prove", "succeeded");
        metrics.stage("witness", 7.0);
        metrics.request("GET", "/v1/jobs/{id}", 200);
        metrics.keys(true);
        let depth = Depth { lane: Lane::Short, queued: 2, running: 1, oldest_ms: Some(1000) };
        let text = metrics.render(&[depth], 3500);
        for line in [
            "apodict_jobs_queued{lane=\"short\"} 2",
            "apodict_oldest_job_seconds{lane=\"short\"} 2.5",
            "apodict_jobs_ended_total{kind=\"prove\",how=\"succeeded\"} 1",
            "apodict_http_requests_total{method=\"GET\",route=\"/v1/jobs/{id}\",status=\"200\"} 1",
            "apodict_stage_ms_bucket{stage=\"witness\",le=\"5\"} 0",
            "apodict_stage_ms_bucket{stage=\"witness\",le=\"10\"} 1",
            "apodict_keys_total{how=\"loaded\"} 1",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} in\n{text}");
        }
    }
}
