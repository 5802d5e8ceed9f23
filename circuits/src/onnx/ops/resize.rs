//! Resize, and Upsample, its name of old: each element of the result is one element (`nearest`) or a fixed mean of some (`linear`,
//! `cubic`), one axis after the other.

use super::super::attributes::Flag;
use super::super::call::Call;
use super::{Error, Registry};
use crate::float::{NodeId, layout};

pub(super) fn register(registry: &mut Registry) {
    registry.compose("Resize", 4, |call| {
        let x = call.operand(0, "X")?;
        let plan = Plan::read(call, x)?;
        plan.apply(call, x)
    });
    registry.compose("Upsample", 2, |call| {
        let x = call.operand(0, "X")?;
        let scales = match call.opset {
            ..9 => call.attributes.floats("scales")?,
            9 => call.values_operand(1, "scales")?,
            _ => return Err(call.refuse("was taken out of ONNX in operator set 10: use Resize")),
        };
        let scales = scales.ok_or_else(|| call.refuse("has no `scales`"))?;
        let mode = Mode::read(call, Nearest::Floor)?;
        let axes = scaled(call, x, &scales, Coordinates::Asymmetric)?;
        Plan { mode, axes, extrapolation: 0.0 }.apply(call, x)
    });
}

/// How a position between elements is rounded.
#[derive(Clone, Copy)]
enum Nearest {
    RoundPreferFloor,
    RoundPreferCeil,
    Floor,
    Ceil,
}

#[derive(Clone, Copy)]
enum Mode {
    Nearest(Nearest),
    /// A kernel of so many elements to each side; see [`Kernel::weight`].
    Kernel(Kernel),
}

#[derive(Clone, Copy)]
struct Kernel {
    /// `None`: linear.
    cubic: Option<f64>,
    /// Wider where the result has fewer elements.
    antialias: bool,
    /// Elements that do not exist have no weight, where otherwise those at the ends stand for them.
    exclude_outside: bool,
}

/// Where an element of the result lies among those of the operand.
#[derive(Clone, Copy, PartialEq)]
enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    /// Of operator set 11 alone.
    TfHalfPixelForNn,
    /// Of a part of the operand, as shares of its extent.
    TfCropAndResize(f64, f64),
}

/// What happens along one axis.
#[derive(Clone, Copy)]
struct Axis {
    axis: usize,
    from: usize,
    to: usize,
    scale: f64,
    coordinates: Coordinates,
}

struct Plan {
    mode: Mode,
    axes: Vec<Axis>,
    /// For what lies outside of the operand, with [`Coordinates::TfCropAndResize`].
    extrapolation: f64,
}

impl Mode {
    fn read(call: &mut Call<'_>, nearest: Nearest) -> Result<Self, Error> {
        let kernel = Kernel { cubic: None, antialias: false, exclude_outside: false };
        match call.attributes.string("mode")? {
            None | Some("nearest") => Ok(Self::Nearest(nearest)),
            Some("linear" | "bilinear") => Ok(Self::Kernel(kernel)),
            Some("cubic") if call.opset >= 11 => Ok(Self::Kernel(Kernel { cubic: Some(-0.75), ..kernel })),
            Some(_) => Err(call.attributes.refuse("mode", "is none of nearest, linear and cubic (from 11)")),
        }
    }
}

/// All axes, each by its own factor.
fn scaled(call: &Call<'_>, x: NodeId, scales: &[f64], coordinates: Coordinates) -> Result<Vec<Axis>, Error> {
    let shape = call.shape(x);
    if scales.len() != shape.len() {
        return Err(call.refuse(format!("has {} scales for a tensor of shape {shape:?}", scales.len())));
    }
    let axis = |(axis, &scale): (usize, &f64)| {
        let to = (shape[axis] as f64 * scale).floor();
        match scale > 0.0 && to >= 1.0 && to <= f64::from(u32::MAX) {
            true => Ok(Axis { axis, from: shape[axis], to: to as usize, scale, coordinates }),
            false => Err(call.refuse(format!("scales axis {axis} of {shape:?} by {scale}"))),
        }
    };
    scales.iter().enumerate().map(axis).collect()
}

impl Plan {
    fn read(call: &mut Call<'_>, x: NodeId) -> Result<Self, Error> {
        if call.opset < 11 {
            let scales = call.values_operand(1, "scales")?.ok_or_else(|| call.refuse("has no `scales`"))?;
            let mode = Mode::read(call, Nearest::Floor)?;
            let axes = scaled(call, x, &scales, Coordinates::Asymmetric)?;
            return Ok(Self { mode, axes, extrapolation: 0.0 });
        }
        let nearest = match call.attributes.string("nearest_mode")? {
            None | Some("round_prefer_floor") => Nearest::RoundPreferFloor,
            Some("round_prefer_ceil") => Nearest::RoundPreferCeil,
            Some("floor") => Nearest::Floor,
            Some("ceil") => Nearest::Ceil,
            Some(_) => return Err(call.attributes.refuse("nearest_mode", "is not known")),
        };
        let mut mode = Mode::read(call, nearest)?;
        let cubic = call.attributes.float("cubic_coeff_a")?;
        let exclude_outside = call.attributes.flag("exclude_outside", Flag::No)? == Flag::Yes;
        let antialias = call.opset >= 18 && call.attributes.flag("antialias", Flag::No)? == Flag::Yes;
        if let Mode::Kernel(kernel) = &mut mode {
            *kernel =
                Kernel { cubic: kernel.cubic.map(|default| cubic.unwrap_or(default)), antialias, exclude_outside };
        }
        let extrapolation = call.attributes.float("extrapolation_value")?.unwrap_or(0.0);
        let rank = call.shape(x).len();
        let named: Vec<usize> = match call.opset >= 18 {
            true => match call.attributes.ints("axes")? {
                None => (0..rank).collect(),
                Some(axes) => {
                    call.axes(axes, rank)?;
                    axes.iter().map(|&axis| call.axis(axis, rank)).collect::<Result<_, _>>()?
                }
            },
            false => (0..rank).collect(),
        };
        let coordinates = match call.attributes.string("coordinate_transformation_mode")? {
            None | Some("half_pixel") => Coordinates::HalfPixel,
            Some("half_pixel_symmetric") if call.opset >= 19 => Coordinates::HalfPixelSymmetric,
            Some("pytorch_half_pixel") => Coordinates::PytorchHalfPixel,
            Some("align_corners") => Coordinates::AlignCorners,
            Some("asymmetric") => Coordinates::Asymmetric,
            Some("tf_half_pixel_for_nn") if call.opset < 13 => Coordinates::TfHalfPixelForNn,
            Some("tf_crop_and_resize") => Coordinates::TfCropAndResize(0.0, 1.0),
            Some(_) => return Err(call.attributes.refuse("coordinate_transformation_mode", "is not known")),
        };
        let mut axes = Self::extents(call, x, &named, coordinates)?;
        if coordinates == Coordinates::TfCropAndResize(0.0, 1.0) {
            let roi = call.values_operand(1, "roi")?.unwrap_or_default();
            if roi.len() != 2 * axes.len() {
                return Err(call.refuse(format!("has {} numbers in `roi`, expected {}", roi.len(), 2 * axes.len())));
            }
            let count = axes.len();
            axes.iter_mut().enumerate().for_each(|(at, axis)| {
                axis.coordinates = Coordinates::TfCropAndResize(roi[at], roi[count + at]);
            });
        }
        Ok(Self { mode, axes, extrapolation })
    }

    /// By `scales` or by `sizes`, of which one is there.
    fn extents(call: &mut Call<'_>, x: NodeId, named: &[usize], coordinates: Coordinates) -> Result<Vec<Axis>, Error> {
        let shape = call.shape(x);
        let policy = if call.opset < 18 { None } else { call.attributes.string("keep_aspect_ratio_policy")? };
        let scales = call.values_operand(2, "scales")?.filter(|scales| !scales.is_empty());
        let sizes = call.ints_operand(3, "sizes")?.filter(|sizes| !sizes.is_empty());
        let (scales, sizes) = match (scales, sizes) {
            (Some(scales), None) if scales.len() == named.len() => {
                let mut all = vec![1.0; shape.len()];
                named.iter().zip(scales).for_each(|(&axis, scale)| all[axis] = scale);
                let axes = scaled(call, x, &all, coordinates)?;
                return Ok(named.iter().map(|&axis| axes[axis]).collect());
            }
            (None, Some(sizes)) if sizes.len() == named.len() => (named.iter().map(|&axis| shape[axis]), sizes),
            _ => return Err(call.refuse("needs either `scales` or `sizes`, one for each axis")),
        };
        let sizes: Option<Vec<usize>> = sizes
            .iter()
            .map(|&size| u32::try_from(size).ok().filter(|&size| size > 0).map(|size| size as usize))
            .collect();
        let mut sizes = sizes.ok_or_else(|| call.refuse("has a size that is not positive"))?;
        let mut factors: Vec<f64> = scales.zip(&sizes).map(|(from, &to)| to as f64 / from as f64).collect();
        let one = match policy {
            None | Some("stretch") => None,
            Some("not_larger") => factors.iter().copied().reduce(f64::min),
            Some("not_smaller") => factors.iter().copied().reduce(f64::max),
            Some(_) => return Err(call.attributes.refuse("keep_aspect_ratio_policy", "is not known")),
        };
        if let Some(one) = one {
            factors.fill(one);
            for (size, &axis) in sizes.iter_mut().zip(named) {
                // Halves upwards.
                *size = (shape[axis] as f64 * one + 0.5).floor().max(1.0) as usize;
            }
        }
        let axis = |((&axis, to), scale)| Axis { axis, from: shape[axis], to, scale, coordinates };
        Ok(named.iter().zip(sizes).zip(factors).map(axis).collect())
    }

    fn apply(&self, call: &mut Call<'_>, x: NodeId) -> Result<NodeId, Error> {
        call.require_number(x, "X")?;
        let mut shape = call.shape(x);
        if shape.contains(&0) {
            return Err(call.refuse(format!("takes a tensor of shape {shape:?}")));
        }
        self.axes.iter().for_each(|axis| shape[axis.axis] = axis.to);
        call.builder.check_room(&shape)?;
        match self.mode {
            Mode::Nearest(nearest) => self.nearest(call, x, shape, nearest),
            Mode::Kernel(kernel) => self.kernel(call, x, kernel),
        }
    }

    fn nearest(&self, call: &mut Call<'_>, x: NodeId, shape: Vec<usize>, nearest: Nearest) -> Result<NodeId, Error> {
        let from = call.shape(x);
        let strides = layout::strides(&from);
        // For each axis where each of its elements comes from.
        let mut places: Vec<Vec<Option<usize>>> = from.iter().map(|&dim| (0..dim).map(Some).collect()).collect();
        for axis in &self.axes {
            let place = |at: usize| {
                let position = axis.position(at);
                (!axis.is_outside(position)).then(|| (nearest.round(position).max(0.0) as usize).min(axis.from - 1))
            };
            places[axis.axis] = (0..axis.to).map(place).collect();
        }
        let other = call.scalar("outside", self.extrapolation, call.element(x))?;
        call.gathered(x, Some(other), shape, |index| {
            index.iter().enumerate().try_fold(0, |flat, (axis, &at)| Some(flat + places[axis][at]? * strides[axis]))
        })
    }

    fn kernel(&self, call: &mut Call<'_>, x: NodeId, kernel: Kernel) -> Result<NodeId, Error> {
        call.require_float(x, "X")?;
        let (mut y, element) = (x, call.element(x));
        for axis in &self.axes {
            let same = (0..axis.to).all(|at| axis.position(at) == at as f64);
            if axis.from == axis.to && same {
                continue;
            }
            call.builder.check_room(&[axis.from, axis.to])?;
            let mut weights = vec![0.0; axis.from * axis.to];
            for at in 0..axis.to {
                if axis.is_outside(axis.position(at)) {
                    continue;
                }
                for (from, weight) in kernel.weights(axis, at) {
                    weights[from * axis.to + at] += weight;
                }
            }
            let weights = call.constant_tensor("weights", vec![axis.from, axis.to], weights, element)?;
            let mut shape = call.shape(y);
            shape[axis.axis] = axis.to;
            let rows = call.rows_along(y, axis.axis)?;
            let rows = call.matmul(rows, weights)?;
            y = call.put_together(rows, axis.axis, &shape)?;
        }
        let outside = |axis: &Axis| (0..axis.to).map(|at| axis.is_outside(axis.position(at))).collect::<Vec<_>>();
        let outside: Vec<(usize, Vec<bool>)> = self.axes.iter().map(|axis| (axis.axis, outside(axis))).collect();
        if !outside.iter().any(|(_, outside)| outside.contains(&true)) {
            return Ok(y);
        }
        let (shape, other) = (call.shape(y), call.scalar("outside", self.extrapolation, element)?);
        let strides = layout::strides(&shape);
        call.gathered(y, Some(other), shape, |index| {
            let inside = outside.iter().all(|(axis, outside)| !outside[index[*axis]]);
            inside.then(|| index.iter().zip(&strides).map(|(at, stride)| at * stride).sum())
        })
    }
}

impl Axis {
    /// Where element `at` of the result lies.
    fn position(&self, at: usize) -> f64 {
        let (x, from, to, scale) = (at as f64, self.from as f64, self.to as f64, self.scale);
        match self.coordinates {
            Coordinates::HalfPixel => (x + 0.5) / scale - 0.5,
            Coordinates::HalfPixelSymmetric => {
                let adjustment = to / (scale * from);
                from / 2.0 * (1.0 - adjustment) + (x + 0.5) / scale - 0.5
            }
            Coordinates::PytorchHalfPixel if self.to == 1 => 0.0,
            Coordinates::PytorchHalfPixel => (x + 0.5) / scale - 0.5,
            Coordinates::AlignCorners if self.to == 1 => 0.0,
            Coordinates::AlignCorners => x * (from - 1.0) / (to - 1.0),
            Coordinates::Asymmetric => x / scale,
            Coordinates::TfHalfPixelForNn => (x + 0.5) / scale,
            Coordinates::TfCropAndResize(start, end) if self.to == 1 => 0.5 * (start + end) * (from - 1.0),
            Coordinates::TfCropAndResize(start, end) => {
                start * (from - 1.0) + x * (end - start) * (from - 1.0) / (to - 1.0)
            }
        }
    }

    /// Whether a position is extrapolated.
    fn is_outside(&self, position: f64) -> bool {
        matches!(self.coordinates, Coordinates::TfCropAndResize(..))
            && !(0.0..=self.from as f64 - 1.0).contains(&position)
    }
}

impl Nearest {
    fn round(self, position: f64) -> f64 {
        match self {
            Self::RoundPreferFloor => (position - 0.5).ceil(),
            Self::RoundPreferCeil => (position + 0.5).floor(),
            Self::Floor => position.floor(),
            Self::Ceil => position.ceil(),
        }
    }
}

impl Kernel {
    /// Elements of the operand with their shares of element `at` of the result.
    fn weights(self, axis: &Axis, at: usize) -> Vec<(usize, f64)> {
        let position = axis.position(at);
        let shrink = if self.antialias { axis.scale.min(1.0) } else { 1.0 };
        let reach = if self.cubic.is_some() { 2.0 } else { 1.0 } / shrink;
        // Bounded: a kernel that is wider than all elements has them all, and those at the ends for the others.
        let reach = reach.min(4.0 * axis.from as f64 + 4.0);
        let (first, last) = ((position - reach).ceil() as i64, (position + reach).floor() as i64);
        let end = axis.from as i64 - 1;
        let all = (first..=last).map(|place| (place, self.weight((place as f64 - position) * shrink)));
        let counted = all.filter(|(place, _)| !self.exclude_outside || (0..=end).contains(place));
        let counted: Vec<_> = counted.map(|(place, weight)| (place.clamp(0, end) as usize, weight)).collect();
        let total: f64 = counted.iter().map(|(_, weight)| weight).sum();
        match (self.exclude_outside || shrink < 1.0) && total != 0.0 {
            true => counted.into_iter().map(|(place, weight)| (place, weight / total)).collect(),
            false => counted,
        }
    }

    /// The share of an element at a distance.
    fn weight(self, distance: f64) -> f64 {
        let d = distance.abs();
        match self.cubic {
            None => (1.0 - d).max(0.0),
            Some(a) if d <= 1.0 => ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0,
            Some(a) if d < 2.0 => ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a,
            Some(_) => 0.0,
        }
    }
}
