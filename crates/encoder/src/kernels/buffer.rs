//! Memory on cache-line boundaries: a 64-byte load that straddles two lines costs two.

use std::marker::PhantomData;

/// Numbers of which any bytes make a value.
///
/// # Safety
/// The type has no padding, no invalid bit pattern, no destructor, and an alignment that divides 64.
pub(super) unsafe trait Plain: Copy + Send + Sync + 'static {}

// SAFETY: primitive numbers are as `Plain` asks.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for i32 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}
// SAFETY: as above.
unsafe impl Plain for i8 {}

/// Numbers the first of which lies on a 64-byte boundary.
#[derive(Clone, Debug)]
pub(super) struct Buffer<T = f32> {
    lines: Vec<Line>,
    len: usize,
    of: PhantomData<T>,
}

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl<T> Default for Buffer<T> {
    fn default() -> Self {
        Self { lines: Vec::new(), len: 0, of: PhantomData }
    }
}

impl<T: Plain> Buffer<T> {
    /// All bits zero.
    pub fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([0; 64]); (len * size_of::<T>()).div_ceil(64)], len, of: PhantomData }
    }

    /// Makes room for `len` numbers, keeping the allocation where it is big enough. Contents are unspecified.
    pub fn reserve(&mut self, len: usize) {
        if (len * size_of::<T>()).div_ceil(64) > self.lines.len() {
            *self = Self::zeros(len);
        }
        self.len = len;
    }
}

impl<T: Plain> std::ops::Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the lines are initialised bytes without padding, `len` numbers never exceed them, and a line's
        // alignment is enough for any `Plain`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Plain> std::ops::DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// Sums of a product, 32 rows of 32, that stay in the first-level cache.
#[repr(C, align(64))]
pub(super) struct Sums<T>([[T; 32]; 32]);

impl<T: Plain + Default> Sums<T> {
    pub fn zeros() -> Self {
        Self([[T::default(); 32]; 32])
    }

    /// The sums from row `r` on.
    #[inline(always)]
    pub fn at(&mut self, r: usize) -> *mut T {
        self.0[r..].as_flattened_mut().as_mut_ptr()
    }
}
