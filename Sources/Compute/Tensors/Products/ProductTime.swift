import CKernels
import COneDNN

/// Measures time inside the layers' matrix products, for benchmarks; attention's own small products are not included.
package enum ProductTime {
    /// Returns the seconds spent inside products while `body` runs.
    package static func measure(_ body: () throws -> Void) rethrows -> Double {
        ww_products_time(1)
        defer { ww_products_time(0) }
        try body()
        return ww_products_seconds()
    }
}

/// The number of cores that products and kernels use.
package enum Workers {
    package static var count: Int { ww_workers() }

    /// Sets the number of workers for layers made from now on; 0 means all cores that the process may use.
    package static func set(_ count: Int) { ww_set_workers(count) }
}
