//! AMX: products of whole tiles, 16 rows of 64 bytes each.
//!
//! The intrinsics are not stable, so the instructions stand here as assembly, each run of them complete in one
//! block. Tile registers belong to nobody else: compiled code does not use them without being told to.

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::marker::PhantomData;
use std::sync::OnceLock;

/// Proof that the CPU has tiles of bytes and bfloat16 and that the system lets this process use them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amx(());

impl Amx {
    /// Detects and asks once.
    pub fn get() -> Option<Self> {
        static FOUND: OnceLock<bool> = OnceLock::new();
        FOUND.get_or_init(|| has_tiles() && permitted()).then_some(Self(()))
    }
}

fn has_tiles() -> bool {
    const BF16: u32 = 1 << 22;
    const TILE: u32 = 1 << 24;
    const INT8: u32 = 1 << 25;
    const OSXSAVE: u32 = 1 << 27;
    /// Tile configuration and tile data.
    const STATES: u64 = 0b11 << 17;
    if __cpuid_count(0, 0).eax < 7 || __cpuid_count(1, 0).ecx & OSXSAVE == 0 {
        return false;
    }
    let (low, high): (u32, u32);
    // SAFETY: OSXSAVE says that `xgetbv` may be used; it only reads.
    unsafe {
        asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags));
    }
    let enabled = u64::from(high) << 32 | u64::from(low);
    let features = __cpuid_count(7, 0).edx;
    enabled & STATES == STATES && features & (BF16 | TILE | INT8) == BF16 | TILE | INT8
}

/// Linux grants the eight kilobytes of state to those processes that ask.
#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_PRCTL: isize = 158;
    const ARCH_REQ_XCOMP_PERM: usize = 0x1023;
    const XFEATURE_XTILEDATA: usize = 18;
    let result: isize;
    // SAFETY: the call takes two integers and touches no memory of ours; the kernel clobbers rcx and r11.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result == 0
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}

/// This thread's tiles, all eight of 16 rows by 64 bytes, until dropped.
pub(super) struct Tiles(PhantomData<*const ()>);

impl Tiles {
    /// # Safety
    /// [`Amx::get`] gave a proof.
    pub unsafe fn configure() -> Self {
        #[repr(C, align(64))]
        struct Config {
            palette: u8,
            start: u8,
            reserved: [u8; 14],
            row_bytes: [u16; 16],
            rows: [u8; 16],
        }
        static CONFIG: Config = Config {
            palette: 1,
            start: 0,
            reserved: [0; 14],
            row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
            rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
        };
        asm!("ldtilecfg [{0}]", in(reg) &raw const CONFIG, options(nostack, preserves_flags, readonly));
        Self(PhantomData)
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: a value exists only where tiles do. Without this every switch of threads would save them.
        unsafe { asm!("tilerelease", options(nomem, nostack, preserves_flags)) }
    }
}

/// `c = a * panel` (or `c += ` if `more`) over `steps` of 64 bytes of each row: 32 columns of sums, for 32 rows if
/// `both` and else 16.
macro_rules! multiply {
    ($(#[$doc:meta])* $name:ident, $instruction:literal, $a:ty, $b:ty, $sum:ty) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// With R = 32 if `both` and else 16: `a` is valid for R rows of `steps * 64` bytes, `lda` bytes apart;
        /// `panel` for `steps` times 16 rows of two tiles, 2048 bytes; `c` for reading and writing R rows of 32
        /// sums, `ldc` bytes apart; `next`, of which 256 bytes a step are fetched ahead, may be anything. `steps` is not 0. This thread's [`Tiles`] are configured.
        #[expect(clippy::too_many_arguments, reason = "a product has as many")]
        #[inline(always)]
        pub(super) unsafe fn $name(
            a: *const $a,
            lda: usize,
            panel: *const $b,
            steps: usize,
            both: bool,
            c: *mut $sum,
            ldc: usize,
            more: bool,
            next: *const $b,
        ) {
            debug_assert!(steps > 0);
            if both {
                asm!(
                    "test {more:e}, {more:e}",
                    "jnz 3f",
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    "jmp 2f",
                    "3:",
                    "tileloadd tmm0, [{c} + {ldc}]",
                    "tileloadd tmm1, [{c} + {ldc} + 64]",
                    "tileloadd tmm2, [{c2} + {ldc}]",
                    "tileloadd tmm3, [{c2} + {ldc} + 64]",
                    "2:",
                    "tileloadd tmm4, [{a} + {lda}]",
                    "tileloadd tmm6, [{b} + {ldb}]",
                    "tileloadd tmm7, [{b} + {ldb} + 64]",
                    concat!($instruction, " tmm0, tmm4, tmm6"),
                    "prefetcht1 [{next}]",
                    "prefetcht1 [{next} + 64]",
                    "tileloadd tmm5, [{a2} + {lda}]",
                    concat!($instruction, " tmm1, tmm4, tmm7"),
                    concat!($instruction, " tmm2, tmm5, tmm6"),
                    "prefetcht1 [{next} + 128]",
                    "prefetcht1 [{next} + 192]",
                    concat!($instruction, " tmm3, tmm5, tmm7"),
                    "add {a}, 64",
                    "add {a2}, 64",
                    "add {b}, 2048",
                    "add {next}, 256",
                    "dec {n}",
                    "jnz 2b",
                    "tilestored [{c} + {ldc}], tmm0",
                    "tilestored [{c} + {ldc} + 64], tmm1",
                    "tilestored [{c2} + {ldc}], tmm2",
                    "tilestored [{c2} + {ldc} + 64], tmm3",
                    a = inout(reg) a => _,
                    a2 = inout(reg) a.cast::<u8>().wrapping_add(16 * lda) => _,
                    b = inout(reg) panel => _,
                    n = inout(reg) steps => _,
                    next = inout(reg) next => _,
                    lda = in(reg) lda,
                    ldb = in(reg) 128usize,
                    c = in(reg) c,
                    c2 = in(reg) c.cast::<u8>().wrapping_add(16 * ldc),
                    ldc = in(reg) ldc,
                    more = in(reg) u32::from(more),
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            } else {
                asm!(
                    "test {more:e}, {more:e}",
                    "jnz 3f",
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "jmp 2f",
                    "3:",
                    "tileloadd tmm0, [{c} + {ldc}]",
                    "tileloadd tmm1, [{c} + {ldc} + 64]",
                    "2:",
                    "tileloadd tmm4, [{a} + {lda}]",
                    "tileloadd tmm6, [{b} + {ldb}]",
                    "tileloadd tmm7, [{b} + {ldb} + 64]",
                    concat!($instruction, " tmm0, tmm4, tmm6"),
                    "prefetcht1 [{next}]",
                    "prefetcht1 [{next} + 64]",
                    concat!($instruction, " tmm1, tmm4, tmm7"),
                    "prefetcht1 [{next} + 128]",
                    "prefetcht1 [{next} + 192]",
                    "add {a}, 64",
                    "add {b}, 2048",
                    "add {next}, 256",
                    "dec {n}",
                    "jnz 2b",
                    "tilestored [{c} + {ldc}], tmm0",
                    "tilestored [{c} + {ldc} + 64], tmm1",
                    a = inout(reg) a => _,
                    b = inout(reg) panel => _,
                    n = inout(reg) steps => _,
                    next = inout(reg) next => _,
                    lda = in(reg) lda,
                    ldb = in(reg) 128usize,
                    c = in(reg) c,
                    ldc = in(reg) ldc,
                    more = in(reg) u32::from(more),
                    out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
    };
}

multiply!(
    /// Unsigned bytes times signed bytes, exact in 32 bits.
    multiply_u8i8, "tdpbusd", u8, i8, i32
);
multiply!(
    /// bfloat16 times bfloat16 in f32.
    multiply_bf16, "tdpbf16ps", u16, u16, f32
);
