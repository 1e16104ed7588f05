import CKernels
import COneDNN

/// Measures the time inside the matrix products of linear layers, for benchmarks; attention is not included.
package enum ProductTime {
    /// Returns the seconds spent inside linear layers' products while `body` runs.
    package static func measure(_ body: () throws -> Void) rethrows -> Double {
        ww_products_time(1)
        defer { ww_products_time(0) }
        try body()
        return ww_products_seconds()
    }
}

/// The number of worker threads that compute matrix products and other kernels, shared by the whole process.
package enum Workers {
    package static var count: Int { ww_workers() }

    /// Sets the number of workers for layers made from now on; 0 means one for each core that the process may use.
    package static func set(_ count: Int) { ww_set_workers(count) }
}
