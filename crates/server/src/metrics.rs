//! Counters and histograms in Prometheus' text format (exposition format 0.0.4). Labels are route templates, methods and
//! states: never an id of a patient or a note, never text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds in seconds.
const BOUNDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

#[derive(Clone, Debug, Default)]
struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

#[derive(Debug, Default)]
struct Values {
    /// Name and rendered labels to value; the name comes first so that a family stands together.
    counters: BTreeMap<(&'static str, String), u64>,
    histograms: BTreeMap<(&'static str, String), Histogram>,
}

/// A value read at the moment of asking: name, labels, value.
pub type Gauge<'a> = (&'static str, &'a [(&'a str, &'a str)], f64);

/// What the process counted since it started.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Values>);

fn labels(pairs: &[(&str, &str)]) -> String {
    pairs
        .iter()
        .map(|(name, value)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!("{name}=\"{value}\"")
        })
        .collect::<Vec<_>>()
        .join(",")
}

impl Metrics {
    pub fn count(&self, name: &'static str, pairs: &[(&str, &str)], by: u64) {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *values.counters.entry((name, labels(pairs))).or_default() += by;
    }

    pub fn observe(&self, name: &'static str, pairs: &[(&str, &str)], took: Duration) {
        let seconds = took.as_secs_f64();
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let histogram = values.histograms.entry((name, labels(pairs))).or_default();
        for (bucket, bound) in histogram.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(seconds <= bound);
        }
        histogram.count += 1;
        histogram.sum += seconds;
    }

    /// All values, after `gauges`.
    pub fn render(&self, gauges: &[Gauge<'_>]) -> String {
        let mut out = String::new();
        let mut family = "";
        for (name, pairs, value) in gauges {
            head(&mut out, &mut family, name, "gauge");
            sample(&mut out, name, &labels(pairs), value);
        }
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ((name, labels), value) in &values.counters {
            head(&mut out, &mut family, name, "counter");
            sample(&mut out, name, labels, value);
        }
        for ((name, labels), histogram) in &values.histograms {
            head(&mut out, &mut family, name, "histogram");
            let comma = if labels.is_empty() { "" } else { "," };
            for (bucket, bound) in histogram.buckets.iter().zip(BOUNDS) {
                let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {bucket}");
            }
            let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {}", histogram.count);
            sample(&mut out, &format!("{name}_sum"), labels, histogram.sum);
            sample(&mut out, &format!("{name}_count"), labels, histogram.count);
        }
        out
    }
}

fn head(out: &mut String, family: &mut &'static str, name: &'static str, kind: &str) {
    if *family != name {
        *family = name;
        let _ = writeln!(out, "# TYPE {name} {kind}");
    }
}

fn sample(out: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = if labels.is_empty() {
        writeln!(out, "{name} {value}")
    } else {
        writeln!(out, "{name}{{{labels}}} {value}")
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_families_stand_together() {
        let metrics = Metrics::default();
        for millis in [1, 20, 40_000] {
            metrics.observe("t_seconds", &[("route", "/a")], Duration::from_millis(millis));
        }
        metrics.count("n_total", &[("b", "x\"y")], 2);
        metrics.count("n_total", &[("a", "1")], 1);
        let text = metrics.render(&[("up", &[], 1.0)]);
        assert!(text.starts_with("# TYPE up gauge\nup 1\n# TYPE n_total counter\nn_total{a=\"1\"} 1\n"));
        assert!(text.contains("n_total{b=\"x\\\"y\"} 2\n"));
        assert!(text.contains("t_seconds_bucket{route=\"/a\",le=\"0.001\"} 1\n"));
        assert!(text.contains("t_seconds_bucket{route=\"/a\",le=\"30\"} 2\n"));
        assert!(text.contains("t_seconds_bucket{route=\"/a\",le=\"+Inf\"} 3\n"));
        assert!(text.contains("t_seconds_count{route=\"/a\"} 3\n"));
        assert_eq!(text.matches("# TYPE").count(), 3);
    }
}
