import CKernels
import COneDNN

/// Time spent inside the layers' matrix products, for benchmarks; attention's own small products are not among them.
package enum ProductTime {
    /// Seconds inside products while `body` runs.
    package static func measure(_ body: () throws -> Void) rethrows -> Double {
        ww_products_time(1)
        defer { ww_products_time(0) }
        try body()
        return ww_products_seconds()
    }
}

/// Cores that products and kernels use.
package enum Workers {
    package static var count: Int { ww_workers() }

    /// Sets them for layers that are made from now on; 0: all that the process may use.
    package static func set(_ count: Int) { ww_set_workers(count) }
}
