//! Columns of one of a proof's circuits.

use super::{Job, backend::Backend, program::Source};

/// Values on the domain, and after [`Columns::interpolate`] their coefficients.
pub(super) struct Columns<B: Backend> {
    pub(super) advice: Vec<B::Column>,
    pub(super) instance: Vec<B::Column>,
    /// Running products, of each set of permuted columns.
    pub(super) products: Vec<B::Column>,
    pub(super) lookup_products: Vec<B::Column>,
    /// Permuted input and table of each lookup.
    pub(super) permuted: Vec<[B::Column; 2]>,
}

impl<B: Backend> Default for Columns<B> {
    fn default() -> Self {
        Self {
            advice: Vec::new(),
            instance: Vec::new(),
            products: Vec::new(),
            lookup_products: Vec::new(),
            permuted: Vec::new(),
        }
    }
}

impl<B: Backend> Columns<B> {
    /// The column, if it is one of the witness and exists by now.
    pub(super) fn get(&self, source: Source) -> Option<&B::Column> {
        match source {
            Source::Advice(at) => self.advice.get(at),
            Source::Instance(at) => self.instance.get(at),
            Source::Product(at) => self.products.get(at),
            Source::LookupProduct(at) => self.lookup_products.get(at),
            Source::LookupInput(at) => self.permuted.get(at).map(|[input, _]| input),
            Source::LookupTable(at) => self.permuted.get(at).map(|[_, table]| table),
            _ => None,
        }
    }

    /// Coefficients of everything, in place of the values.
    pub(super) fn interpolate(self, backend: &B, job: &Job<'_>, domain: &B::Domain) -> Self {
        let counts = [&self.advice, &self.instance, &self.products, &self.lookup_products].map(Vec::len);
        let permuted = self.permuted.into_iter().flatten();
        let rest = self.instance.into_iter().chain(self.products).chain(self.lookup_products).chain(permuted);
        let columns = self.advice.into_iter().chain(rest).collect();
        let mut columns = backend.interpolate(job, domain, columns).into_iter();
        let [advice, instance, products, lookup_products] = counts.map(|count| columns.by_ref().take(count).collect());
        let mut permuted = Vec::new();
        while let (Some(input), Some(table)) = (columns.next(), columns.next()) {
            permuted.push([input, table]);
        }
        Self { advice, instance, products, lookup_products, permuted }
    }
}
