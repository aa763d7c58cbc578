//! Complex numbers, as far as inverting transforms needs them. On `libm`, so that every platform gets the same bits.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A complex number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Complex {
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}

impl Complex {
    /// Zero.
    pub const ZERO: Self = Self::real(0.0);
    /// One.
    pub const ONE: Self = Self::real(1.0);

    /// A number from its parts.
    pub const fn new(re: f64, im: f64) -> Self {
        Self { re, im }
    }

    /// A real number.
    pub const fn real(re: f64) -> Self {
        Self { re, im: 0.0 }
    }

    /// Square of the absolute value.
    pub fn square_norm(self) -> f64 {
        self.re * self.re + self.im * self.im
    }

    /// e to this power.
    pub fn exp(self) -> Self {
        let size = libm::exp(self.re);
        if self.im == 0.0 {
            return Self::real(size);
        }
        let (sin, cos) = libm::sincos(self.im);
        Self::new(size * cos, size * sin)
    }

    /// The square root whose real part is not negative.
    pub fn sqrt(self) -> Self {
        let norm = self.square_norm().sqrt();
        if norm == 0.0 {
            return Self::ZERO;
        }
        let half = (0.5 * (norm + self.re.abs())).sqrt();
        let other = self.im.abs() / (2.0 * half);
        let (re, im) = if self.re >= 0.0 { (half, other) } else { (other, half) };
        Self::new(re, if self.im < 0.0 { -im } else { im })
    }

    /// This number times itself `n` times.
    pub fn power(self, n: u32) -> Self {
        let (mut result, mut square, mut left) = (Self::ONE, self, n);
        while left > 0 {
            if left & 1 == 1 {
                result = result * square;
            }
            square = square * square;
            left >>= 1;
        }
        result
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.re + other.re, self.im + other.im)
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.re - other.re, self.im - other.im)
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self::new(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)
    }
}

impl Mul<f64> for Complex {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self::new(self.re * factor, self.im * factor)
    }
}

impl Add<f64> for Complex {
    type Output = Self;
    fn add(self, summand: f64) -> Self {
        Self::new(self.re + summand, self.im)
    }
}

impl Div for Complex {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let norm = other.square_norm();
        Self::new((self.re * other.re + self.im * other.im) / norm, (self.im * other.re - self.re * other.im) / norm)
    }
}

impl Neg for Complex {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.re, -self.im)
    }
}

/// Roots of `cubic x³ + square x² + linear x + constant`: three, or two where `cubic` is zero.
///
/// Laguerre's method finds one root, deflation and the quadratic formula the others, and a step of Newton's removes
/// what rounding the deflation left (Press et al., *Numerical Recipes*).
pub(super) fn roots(cubic: f64, square: Complex, linear: Complex, constant: Complex) -> [Option<Complex>; 3] {
    if cubic == 0.0 {
        let [first, second] = quadratic_roots(square, linear, constant);
        return [Some(first), Some(second), None];
    }
    let (a, b, c) = (square * (1.0 / cubic), linear * (1.0 / cubic), constant * (1.0 / cubic));
    let value = |x: Complex| ((x + a) * x + b) * x + c;
    let slope = |x: Complex| (x * 3.0 + a * 2.0) * x + b;
    let bend = |x: Complex| x * 6.0 + a * 2.0;
    let mut root = Complex::ZERO;
    for _ in 0..60 {
        let p = value(root);
        if p.square_norm() == 0.0 {
            break;
        }
        let g = slope(root) / p;
        let h = g * g - bend(root) / p;
        let spread = ((h * 3.0 - g * g) * 2.0).sqrt();
        let (plus, minus) = (g + spread, g - spread);
        let larger = if plus.square_norm() >= minus.square_norm() { plus } else { minus };
        let step = Complex::real(3.0) / larger;
        root = root - step;
        if step.square_norm() <= 1e-26 * root.square_norm() {
            break;
        }
    }
    let remaining = a + root;
    let [second, third] = quadratic_roots(Complex::ONE, remaining, b + root * remaining);
    [root, second, third].map(|x| {
        let step = value(x) / slope(x);
        Some(if step.square_norm().is_finite() { x - step } else { x })
    })
}

/// Roots of `square x² + linear x + constant`, without cancellation.
fn quadratic_roots(square: Complex, linear: Complex, constant: Complex) -> [Complex; 2] {
    let discriminant = (linear * linear - square * constant * 4.0).sqrt();
    let same_way = linear.re * discriminant.re + linear.im * discriminant.im >= 0.0;
    let sum = if same_way { linear + discriminant } else { linear - discriminant };
    let q = sum * -0.5;
    [q / square, constant / q]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_root_squares_back_on_every_side_of_the_plane() {
        for (re, im) in [(3.0, 4.0), (-3.0, 4.0), (-3.0, -4.0), (0.0, 2.0), (-5.0, 0.0), (1e-9, -1e9), (0.0, 0.0)] {
            let z = Complex::new(re, im);
            let error = z.sqrt() * z.sqrt() - z;
            assert!(error.square_norm() <= 1e-28 * z.square_norm(), "{z:?}");
            assert!(z.sqrt().re >= 0.0);
        }
    }

    #[test]
    fn roots_multiply_back_to_their_polynomial() {
        let known = [Complex::new(2.0, 7.0), Complex::new(-300.0, 1.0), Complex::new(-0.5, -90.0)];
        let [p, q, r] = known;
        let found = roots(2.0, (p + q + r) * -2.0, (p * q + q * r + p * r) * 2.0, p * q * r * -2.0);
        for expected in known {
            let nearest = found.iter().flatten().map(|x| (*x - expected).square_norm()).fold(f64::INFINITY, f64::min);
            assert!(nearest < 1e-20 * expected.square_norm(), "{expected:?} {found:?}");
        }
    }

    #[test]
    fn powers_are_repeated_products() {
        let z = Complex::new(0.6, -0.7);
        assert_eq!(z.power(0), Complex::ONE);
        assert!((z.power(5) - z * z * z * z * z).square_norm() < 1e-30);
    }
}
