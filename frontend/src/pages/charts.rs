//! The accuracy page's charts, drawn as SVG from the same answer as the tables.

use leptos::prelude::*;
use overread_api::accuracy::{AccuracyRow, CalibrationBin};

use crate::logic::charts::{Scale, calibration_error, drawable, path};
use crate::logic::format::{brief, percent};

const ROW: f64 = 20.0;
const LABELS: f64 = 150.0;
const WIDTH: f64 = 640.0;
const MOST: usize = 24;

/// Precision of each field with its interval.
#[component]
pub fn Precision(rows: Vec<AccuracyRow>) -> impl IntoView {
    let rows = drawable(&rows, MOST);
    let x = Scale { from: LABELS, to: WIDTH - 70.0 };
    let bottom = rows.len() as f64 * ROW + 6.0;
    let height = bottom + 22.0;
    let guides = [0.0, 0.25, 0.5, 0.75, 1.0]
        .into_iter()
        .map(|share| {
            let at = x.at(share);
            view! {
                <line class="guide" x1=at x2=at y1="0" y2=bottom></line>
                <text class="soft" x=at y=bottom + 14.0 text-anchor="middle">
                    {format!("{:.0} %", share * 100.0)}
                </text>
            }
        })
        .collect_view();
    let drawn = rows
        .iter()
        .enumerate()
        .filter_map(|(index, row)| {
            let rate = row.precision?;
            let y = index as f64 * ROW + ROW / 2.0 + 3.0;
            let (low, high) = (x.at(rate.low), x.at(rate.high));
            Some(view! {
                <g>
                    <title>
                        {format!(
                            "{}: {} ({} to {}), n = {}",
                            row.label,
                            percent(rate.value),
                            percent(rate.low),
                            percent(rate.high),
                            rate.n,
                        )}
                    </title>
                    <text x=LABELS - 8.0 y=y + 4.0 text-anchor="end">
                        {brief(&row.label, 22)}
                    </text>
                    <line class="whisker" x1=low x2=high y1=y y2=y></line>
                    <line class="whisker" x1=low x2=low y1=y - 4.0 y2=y + 4.0></line>
                    <line class="whisker" x1=high x2=high y1=y - 4.0 y2=y + 4.0></line>
                    <circle class="dot" cx=x.at(rate.value) cy=y r="4"></circle>
                    <text class="soft" x=WIDTH - 62.0 y=y + 4.0>
                        {format!("n {}", rate.n)}
                    </text>
                </g>
            })
        })
        .collect_view();
    let empty = rows.is_empty();
    view! {
        <figure class="sheet" id="chart-precision">
            <figcaption>
                <h2>"Precision by field, with 95 % interval"</h2>
            </figcaption>
            {if empty {
                view! { <p class="faint">"Too few decisions to draw."</p> }.into_any()
            } else {
                view! {
                    <svg
                        viewBox=format!("0 0 {WIDTH} {height}")
                        role="img"
                        aria-label="Precision by field with 95 % intervals; the table below has the same figures"
                    >
                        {guides}
                        {drawn}
                    </svg>
                }
                    .into_any()
            }}
        </figure>
    }
}

const SIDE: f64 = 300.0;
const EDGE: f64 = 44.0;

/// Confidence against agreement; on the dashed line the model is as sure as it is right.
#[component]
pub fn Calibration(bins: Vec<CalibrationBin>, least: u64) -> impl IntoView {
    let enough = bins.iter().map(|bin| bin.accepted.n).sum::<u64>() >= least;
    let bins = if enough { bins } else { Vec::new() };
    let x = Scale { from: EDGE, to: SIDE - 20.0 };
    let y = Scale { from: SIDE - EDGE, to: 10.0 };
    let error = calibration_error(&bins);
    let guides = [0.0, 0.5, 1.0]
        .into_iter()
        .map(|share| {
            let label = format!("{:.0} %", share * 100.0);
            view! {
                <line class="guide" x1=x.at(share) x2=x.at(share) y1=y.at(0.0) y2=y.at(1.0)></line>
                <line class="guide" x1=x.at(0.0) x2=x.at(1.0) y1=y.at(share) y2=y.at(share)></line>
                <text class="soft" x=x.at(share) y=y.at(0.0) + 15.0 text-anchor="middle">
                    {label.clone()}
                </text>
                <text class="soft" x=x.at(0.0) - 5.0 y=y.at(share) + 4.0 text-anchor="end">
                    {label}
                </text>
            }
        })
        .collect_view();
    let points = bins
        .iter()
        .map(|bin| {
            let at = x.at(bin.mean_confidence);
            let rate = bin.accepted;
            view! {
                <g>
                    <title>
                        {format!(
                            "confidence {}: accepted {} ({} to {}), n = {}",
                            percent(bin.mean_confidence),
                            percent(rate.value),
                            percent(rate.low),
                            percent(rate.high),
                            rate.n,
                        )}
                    </title>
                    <line class="whisker" x1=at x2=at y1=y.at(rate.low) y2=y.at(rate.high)></line>
                    <circle class="dot" cx=at cy=y.at(rate.value) r="4"></circle>
                </g>
            }
        })
        .collect_view();
    let curve = path(&bins, x, y);
    let empty = bins.is_empty();
    view! {
        <figure class="sheet" id="chart-calibration">
            <figcaption>
                <h2>"Calibration: confidence across, accepted up"</h2>
                {error
                    .map(|error| {
                        view! { <p class="faint">{format!("Mean distance (ECE) {}", percent(error))}</p> }
                    })}
            </figcaption>
            {if empty {
                view! { <p class="faint">"Too few decisions to draw."</p> }.into_any()
            } else {
                view! {
                    <svg
                        viewBox=format!("0 0 {SIDE} {SIDE}")
                        role="img"
                        aria-label="Calibration diagram: mean confidence across, share accepted up, in bins of equal mass"
                    >
                        {guides}
                        <line
                            class="ideal"
                            x1=x.at(0.0)
                            y1=y.at(0.0)
                            x2=x.at(1.0)
                            y2=y.at(1.0)
                        ></line>
                        <path class="curve" d=curve></path>
                        {points}
                        <text class="soft" x=SIDE / 2.0 + 20.0 y=SIDE - 10.0 text-anchor="middle">
                            "confidence"
                        </text>
                    </svg>
                }
                    .into_any()
            }}
        </figure>
    }
}
